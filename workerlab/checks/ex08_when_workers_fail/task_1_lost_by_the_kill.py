"""Exercise 08, task 1: which requests a kill has cost, and which were lost for other reasons."""

from typing import Any

from workerlab.checks.function import Mistake, Part, judge_function
from workerlab.checks.verdicts import Verdict

HINTS = [
    "What did the killed worker hold at the moment of the kill, and what did it not hold yet, or "
    "no longer?",
    "A request without a reply has status None. The kill cost it if it had reached this worker "
    "before the kill and its client was still waiting then. What do you do with the others?",
    'Collect the ids of all records with status None. Those with worker == pid and r["reached"] < '
    'killed < r["received"] are the first set, and the rest is the second.',
]


# Made-up runs, by the moment of the kill and the pid of the killed worker. A request that no worker
# took has no `reached`: its client gave up after 10 s.
FIELDS = ("id", "worker", "reached", "received", "status")
TABLES: dict[tuple[float, int], list[tuple]] = {
    (6.0, 311): [
        (1, 311, 5.00, 5.40, 200),  # answered before the kill
        (2, 311, 5.10, 6.02, None),
        (3, 312, 5.20, 6.70, 200),  # in progress at the kill, elsewhere
        (4, 311, 5.90, 6.01, None),
        (5, 312, 5.95, 6.03, None),  # lost in the same moment, elsewhere
        (6, 312, 6.30, 6.50, 500),  # an error is a reply
        (7, None, None, 15.80, None),
    ],
    (42.0, 98): [
        (21, 98, 40.5, 41.5, None),  # given up before the kill, by the same worker
        (22, 98, 41.2, 42.01, None),
        (23, 98, 41.3, 42.01, 200),  # its reply was on its way
        (24, 97, 41.4, 51.4, None),  # in progress at the kill, lost much later
        (25, 98, 41.9, 42.02, None),
        (26, 97, 43.0, 43.1, 503),
        (27, 99, 44.0, 46.0, None),  # lost after the kill, by the new worker
    ],
    # Of this worker the kill cost nothing.
    (8.0, 55): [(31, 55, 7.0, 7.5, None), (32, 56, 7.9, 8.4, 200)],
}
CALLS = [
    [[dict(zip(FIELDS, row, strict=True)) for row in rows], killed, pid]
    for (killed, pid), rows in TABLES.items()
]


def lost(records: list) -> list[dict]:
    return [one for one in records if one["status"] is None]


def ids(records: list) -> list[int]:
    return sorted(one["id"] for one in records)


def is_held(one: dict, killed: float) -> bool:
    """Whether the request was with a worker at this moment."""
    return one["reached"] is not None and one["reached"] < killed < one["received"]


def by_the_kill(records: list, killed: float, pid: int) -> list[int]:
    """The requests without a reply which this worker held."""
    return ids([r for r in lost(records) if r["worker"] == pid and is_held(r, killed)])


def otherwise(records: list, killed: float, pid: int) -> list[int]:
    """The other requests without a reply."""
    return sorted({*ids(lost(records))}.difference(by_the_kill(records, killed, pid)))


def are_ids(value: Any) -> bool:
    return isinstance(value, list) and all(type(one) is int for one in value)


BY_THE_KILL = Part(
    by_the_kill,
    are_ids,
    "a set of ids",
    "other-ids-of-the-kill",
    {
        "sets-swapped": Mistake(
            otherwise,
            "The requests that were lost for other reasons come first.",
            "In which order does the task ask for the two sets?",
        ),
        "whatever-the-moment": Mistake(
            lambda r, killed, pid: ids([one for one in lost(r) if one["worker"] == pid]),
            "Your function counts everything that this worker ever lost.",
            "Can a kill cost a request that was given up before it?",
        ),
        "whatever-the-worker": Mistake(
            lambda r, killed, pid: ids([one for one in lost(r) if is_held(one, killed)]),
            "Your function counts what other workers held at that moment, too.",
            "Whose requests does a worker take with it when it dies?",
        ),
        "answered-ones-too": Mistake(
            lambda r, killed, pid: ids([o for o in r if o["worker"] == pid and is_held(o, killed)]),
            "Your function counts a request whose reply was already on its way.",
            "Which field says whether a reply came?",
        ),
        "everything-after": Mistake(
            lambda r, killed, pid: ids([one for one in lost(r) if one["received"] > killed]),
            "Your function blames the kill for everything that was lost after it.",
            "Which worker held the request, and had it reached it by then?",
        ),
    },
)
OTHERWISE = Part(
    otherwise,
    are_ids,
    "a set of ids",
    "other-ids-of-the-rest",
    {
        "errors-are-lost": Mistake(
            lambda r, *kill: sorted(
                {*otherwise(r, *kill), *ids([o for o in r if (o["status"] or 0) >= 400])}
            ),
            "Your function counts replies with status 500 or 503 as lost requests.",
            "What does a client know that got an error, and one that got nothing?",
        ),
    },
)


def check(losses: Any) -> Verdict:
    """Call the function with the made-up runs, and compare what it returns."""
    return judge_function(losses, CALLS, [BY_THE_KILL, OTHERWISE], read=_sorted, show=_written)


def _sorted(value: Any) -> Any:
    """The pair with its ids in order: sets have none."""
    if not isinstance(value, list):
        return value
    return [sorted(one) if are_ids(one) else one for one in value]


def _written(call: Any) -> str:
    """The call with a line for each record."""
    lines = [" ".join(FIELDS), *(" ".join(map(str, one.values())) for one in call[0])]
    return "\n".join([f"losses(records, killed={call[1]}, pid={call[2]})", *lines])
