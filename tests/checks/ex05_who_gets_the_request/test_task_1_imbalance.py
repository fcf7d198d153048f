"""The bank of exercise 05, task 1."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex05_who_gets_the_request import check

CELL = """
from collections import Counter
def imbalance(records, workers):
    counts = Counter(r["worker"] for r in records)
    shares = {w: counts[w] / len(records) for w in workers}
    took = max(r["ended"] for r in records) - min(r["began"] for r in records)
    total = sum(r["ended"] - r["began"] for r in records)
"""


def shares_are(expression: str) -> str:
    return f"{CELL}    return {expression}, took - total / len(workers)\n"


def seconds_are(expression: str) -> str:
    return f"{CELL}    return shares, {expression}\n"


FRACTIONS = """
from collections import Counter
from fractions import Fraction


def imbalance(records, workers):
    counts = Counter(r["worker"] for r in records)
    shares = {w: Fraction(counts[w], len(records)) for w in workers}
    began, ended = zip(*((r["began"], r["ended"]) for r in records))
    even = (sum(ended) - sum(began)) / len(workers)
    return [shares, max(ended) - min(began) - even]
"""
NUMPY = """
import numpy as np
async def imbalance(records, workers):
    began, ended = (np.array([r[key] for r in records]) for key in ("began", "ended"))
    served = np.array([r["worker"] for r in records])
    lost = np.ptp([began.min(), ended.max()]) - (ended - began).sum() / len(workers)
    return {w: (served == w).mean() for w in np.array(workers)}, lost
"""


@bank(
    Right(seconds_are("took - total / len(workers)")),
    Right(FRACTIONS),
    Right(NUMPY),
    Wrong(shares_are("{w: n / len(records) for w, n in counts.items()}"), "idle-left-out"),
    Wrong(shares_are("{w: counts[w] for w in workers}"), "counts-not-shares"),
    Wrong(shares_are("{w: counts[w] / max(counts.values()) for w in workers}"), "other-shares"),
    Wrong(seconds_are("took"), "whole-time"),
    Wrong(seconds_are("took - total / len(counts)"), "idle-worker-forgotten"),
    Wrong(
        seconds_are(
            "max(sum(r['ended'] - r['began'] for r in records if r['worker'] == w)"
            " for w in workers) - total / len(workers)"
        ),
        "busiest-not-last",
    ),
    Wrong(
        seconds_are("records[-1]['ended'] - records[0]['began'] - total / len(workers)"),
        "order-of-the-list",
    ),
    Wrong(seconds_are("took - total"), "other-seconds"),
)
def test_task_1(case):
    judge(check, 1, case, from_cell("imbalance"))
