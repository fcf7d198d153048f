"""The bank of exercise 09, task 2."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex09_zero_downtime import check

CELL = """
def lost_and_gap(records):
    good = [r for r in records if r["status"] is not None and r["status"] < 500]
    begin = min(r["sent"] for r in records)
    end = max(r["received"] for r in records)
    def steps(moments):
        moments = list(moments)
        return max(b - a for a, b in zip(moments, moments[1:]))
    answers = sorted(r["received"] for r in good)
    gap = steps([begin, *answers, end])
    lost = len(records) - len(good)
"""


def lost_is(expression: str) -> str:
    return f"{CELL}    return {expression}, gap\n"


def gap_is(expression: str) -> str:
    return f"{CELL}    return lost, {expression}\n"


LOOP = """
async def lost_and_gap(records):
    lost, longest, last = 0, 0.0, min(r["sent"] for r in records)
    for r in sorted(records, key=lambda r: r["received"]):
        if not r["status"] or r["status"] >= 500:
            lost += 1
            continue
        longest = max(longest, r["received"] - last)
        last = r["received"]
    return [lost, max(longest, max(r["received"] for r in records) - last)]
"""
NUMPY = """
import numpy as np
def lost_and_gap(records):
    status = np.array([r["status"] or 599 for r in records])
    received = np.array([r["received"] for r in records])
    good = np.sort(received[status < 500])
    moments = np.concatenate([[min(r["sent"] for r in records)], good, [received.max()]])
    return (status >= 500).sum(), np.diff(moments).max()
"""


@bank(
    Right(gap_is("gap")),
    Right(LOOP),
    Right(NUMPY),
    Wrong(lost_is("sum(r['status'] is None for r in records)"), "errors-are-no-loss"),
    Wrong(lost_is("sum(r['status'] != 200 for r in records)"), "refusals-are-loss"),
    Wrong(lost_is("len(good)"), "another-number"),
    Wrong(lost_is("sum((r['status'] or 600) > 500 for r in records)"), "another-number"),
    Wrong(lost_is("sum((r['status'] or 500) >= 400 for r in records)"), "another-number"),
    Wrong(gap_is("steps([begin, *sorted(r['received'] for r in records)])"), "failures-end-a-gap"),
    Wrong(gap_is("steps(answers)"), "edges-left-out"),
    Wrong(
        gap_is("steps(r['received'] for r in sorted(good, key=lambda r: r['sent']))"),
        "another-gap",
    ),
    Wrong(gap_is("max(r['received'] - r['sent'] for r in good)"), "slowest-request"),
    Wrong(gap_is("steps(sorted(r['sent'] for r in records))"), "another-gap"),
    Wrong(gap_is("end - begin"), "another-gap"),
    Wrong(
        gap_is("steps([begin, *answers, max(records, key=lambda r: r['sent'])['received']])"),
        "another-gap",
    ),
)
def test_task_2(case):
    judge(check, 2, case, from_cell("lost_and_gap"))
