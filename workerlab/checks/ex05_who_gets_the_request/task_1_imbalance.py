"""Exercise 05, task 1: what share of the requests each worker had, and what the imbalance cost."""

import random
from collections import Counter
from typing import Any

from workerlab.checks.function import Mistake, Part, is_number, judge_function
from workerlab.checks.verdicts import Verdict

HINTS = [
    "Which workers need a share, even if no record names them? And when would the last handler "
    "have ended if every worker had been given the same number of seconds?",
    "A share is a worker's number of records divided by the number of all records. For the "
    "seconds you need three numbers: the first begin, the last end, and the sum of "
    "ended - began over all records.",
    "Start with dict.fromkeys(workers, 0) and count. The seconds lost are the last end, minus "
    "the first begin, minus the sum of the handlers' seconds divided by len(workers).",
]

# Made-up runs: when each worker's handlers began and ended, in seconds on one clock.
RUNS = [
    {
        211: [(40.0, 40.5), (40.5, 41.0), (41.0, 41.75)],
        214: [(40.25, 40.75), (40.75, 41.25)],
        217: [(40.25, 41.25)],
    },
    {
        350: [(7.0, 7.5), (7.5, 8.25), (8.25, 9.25), (9.25, 10.0)],
        352: [],
        351: [(7.25, 8.25), (8.25, 8.5)],
        349: [],
    },
    # The last to begin is the last to end, though it has the least to do.
    {61: [(5.5, 6.75), (6.75, 7.0)], 60: [(8.5, 9.0), (9.0, 9.25), (9.25, 9.5)]},
]


def shares(records: list, workers: list) -> dict[str, float]:
    """The fraction of the requests that each worker served, by its pid as JSON writes it."""
    counts = Counter(record["worker"] for record in records)
    return {str(pid): counts[pid] / len(records) for pid in workers}


def took(records: list, workers: list) -> float:
    """Seconds from the first begin to the last end."""
    return max(r["ended"] for r in records) - min(r["began"] for r in records)


def total(records: list) -> float:
    """Seconds of all handlers together."""
    return sum(record["ended"] - record["began"] for record in records)


def lost(records: list, workers: list) -> float:
    """Seconds that an even spread would have saved."""
    return took(records, workers) - total(records) / len(workers)


SHARES = Part(
    shares,
    lambda value: isinstance(value, dict) and all(map(is_number, value.values())),
    "a dict of shares by pid",
    "other-shares",
    {
        "idle-left-out": Mistake(
            lambda r, w: {pid: share for pid, share in shares(r, w).items() if share},
            "A worker that served nothing is missing.",
            "How do you know which workers there are? Do the records name all of them?",
        ),
        "counts-not-shares": Mistake(
            lambda r, w: {pid: share * len(r) for pid, share in shares(r, w).items()},
            "These are numbers of requests, not shares of them.",
            "What should all the shares add up to?",
        ),
    },
)
LOST = Part(
    lost,
    is_number,
    "a number of seconds",
    "other-seconds",
    {
        "whole-time": Mistake(
            took,
            "This is the whole time from the first begin to the last end.",
            "How much of it would have been needed in any case?",
        ),
        "idle-worker-forgotten": Mistake(
            lambda r, w: took(r, w) - total(r) / len({record["worker"] for record in r}),
            "Your function spreads the seconds over the workers that served something.",
            "How many workers were there to share the work?",
        ),
        "busiest-not-last": Mistake(
            lambda r, w: (
                max(total([o for o in r if o["worker"] == pid]) for pid in w) - total(r) / len(w)
            ),
            "Your function assumes that the busiest worker is the last to finish.",
            "Does a worker that starts late finish early, just because it has little to do?",
        ),
        "order-of-the-list": Mistake(
            lambda r, w: r[-1]["ended"] - r[0]["began"] - total(r) / len(w),
            "Your function takes the first and the last record as they stand in the list.",
            "What tells you who began first and who ended last: the list, or the times?",
        ),
    },
)


def check(imbalance: Any) -> Verdict:
    """Call the function with the made-up runs, and compare what it returns."""
    return judge_function(imbalance, list(map(_call, RUNS)), [SHARES, LOST], show=_written)


def _call(run: dict[int, list[tuple[float, float]]]) -> list[list]:
    records = [
        {"worker": pid, "began": began, "ended": ended}
        for pid, handlers in run.items()
        for began, ended in handlers
    ]
    # In no order that a function could rely on, and the same every time.
    random.Random(5).shuffle(records)
    return [records, list(run)]


def _written(call: Any) -> str:
    records, workers = call
    rows = sorted(records, key=lambda record: (record["worker"], record["began"]))
    lines = [f"{row['worker']}: {row['began']} to {row['ended']}" for row in rows]
    return "\n".join([f"imbalance(records, workers) with workers {workers} and", *lines])
