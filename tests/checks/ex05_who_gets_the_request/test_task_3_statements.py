"""The bank of exercise 05, task 3."""

import numpy as np

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex05_who_gets_the_request import check

TRUTH = {"a": False, "b": True, "c": True, "d": False}


@bank(
    Right(TRUTH),
    Right(dict(d=False, c=True, b=True, a=False)),
    Right(dict(zip("abcd", np.array([0, 1, 1, 0], dtype=bool), strict=True))),
    Wrong([False, True, True, False], "not-a-dict"),
    Wrong({"b": True, "c": True}, "not-these-statements"),
    Wrong(TRUTH | {"b": "True"}, "not-true-or-false"),
    Wrong(TRUTH | {"a": True}, "master-deals-in-turn"),
    Wrong(TRUTH | {"b": False}, "blocked-worker-accepts"),
    Wrong(TRUTH | {"c": False}, "connection-wanders"),
    Wrong(TRUTH | {"d": True}, "kernel-knows-who-is-busy"),
    Wrong({letter: not truth for letter, truth in TRUTH.items()}, "master-deals-in-turn"),
)
def test_task_3(case):
    judge(check, 3, case)
