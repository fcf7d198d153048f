"""Exercise 09, task 2: from records, the requests that were lost and the longest gap."""

import random
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from workerlab.checks.function import Mistake, Part, is_number, judge_function
from workerlab.checks.verdicts import Verdict

HINTS = [
    "When has a client got an answer, even if it is one it doesn't like? And at which moment does "
    "it have it: when it asks, or when the answer comes?",
    "Make a list of moments: the first `sent`, the `received` of every good reply in order of time,"
    " and the last `received` of all. What is the largest step from one to the next?",
    "good = [r for r in records if r['status'] and r['status'] < 500]; the lost are the others. "
    "Sort the good ones' `received`, put min(sent) before and max(received) behind them, and take "
    "the largest difference of two neighbours.",
]

# Made-up runs: sent, seconds until the reply or the failure, and the status, None for no reply.
RUNS = [
    # A reload: two are reset, one waits until somebody answers, one is refused at once.
    [(0, 0.25, 200), (1, 0.5, None), (1.25, 2.5, 200), (2.5, 0.125, None), (3.5, 0.5, 404)],
    # A proxy answers 502 for the server; the end of the run has no good reply.
    [(10, 0.25, 200), (10.5, 0.25, 201), (11, 0.25, 500), (12, 2, 502), (12.5, 0.5, None)],
    # It begins with a gap, and the slowest is no gap: others are answered meanwhile.
    [(5, 0.125, None), (6, 0.5, 200), (6.25, 3, 200), *((7.0 + n, 0.25, 200) for n in range(3))],
]


def is_good(record: dict) -> bool:
    """Whether the server answered."""
    return record["status"] is not None and record["status"] < 500


def longest(moments: Iterable[float]) -> float:
    """The largest step, in seconds, from one moment to the next."""
    return max((after - before for before, after in pairwise(moments)), default=0.0)


def answered(records: list) -> list[float]:
    """When each good reply came, in order."""
    return sorted(r["received"] for r in records if is_good(r))


def gap(records: list) -> float:
    """The longest time without a good reply, from the first request to the end of the run."""
    first, last = min(r["sent"] for r in records), max(r["received"] for r in records)
    return longest([first, *answered(records), last])


LOST = Part(
    lambda records: sum(not is_good(r) for r in records),
    lambda value: is_number(value) and value == int(value),
    "a whole number of requests",
    "another-number",
    {
        "errors-are-no-loss": Mistake(
            lambda records: sum(r["status"] is None for r in records),
            "Your function counts those without a reply, and takes a 500 or 502 for a good one.",
            "What does the user of a shop see when a proxy answers for a server that is away?",
        ),
        "refusals-are-loss": Mistake(
            lambda records: sum(r["status"] != 200 for r in records),
            "Your function counts every status but 200 as lost.",
            "Who answers 404 or 201: a server that is away, or the app?",
        ),
    },
)
GAP = Part(
    gap,
    is_number,
    "a number of seconds",
    "another-gap",
    {
        "failures-end-a-gap": Mistake(
            lambda rs: longest([min(r["sent"] for r in rs), *sorted(r["received"] for r in rs)]),
            "In your function, a failure ends a gap as a good reply does.",
            "A connection is refused within a millisecond. Was anybody served at that moment?",
        ),
        "edges-left-out": Mistake(
            lambda rs: longest(answered(rs)),
            "Your function looks between good replies only, and not at either end of the run.",
            "How long was nobody answered if the run begins, or ends, with failures?",
        ),
        "slowest-request": Mistake(
            lambda rs: max(r["received"] - r["sent"] for r in rs if is_good(r)),
            "This is how long the slowest request took.",
            "Were other requests answered while that one waited?",
        ),
    },
)


def check(lost_and_gap: Any) -> Verdict:
    """Call the function with the made-up runs, and compare what it returns."""
    return judge_function(lost_and_gap, list(map(_call, RUNS)), [LOST, GAP], show=_written)


def _call(run: list[tuple[float, float, int | None]]) -> list[list]:
    rows = [{"sent": s, "received": s + took, "status": status} for s, took, status in run]
    # In no order that a function could rely on, and the same every time.
    return [random.Random(9).sample(rows, len(rows))]


def _written(call: Any) -> str:
    rows = sorted(call[0], key=lambda row: row["sent"])
    lines = [f"{row['sent']} to {row['received']}: {row['status']}" for row in rows]
    return "\n".join(["lost_and_gap(records) with sent, received and status of", *lines])
