"""The bank of exercise 11, task 3."""

import numpy as np

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex11_which_server import check

TRUTH = {"a": True, "b": False, "c": True, "d": False, "e": True, "f": False}


@bank(
    Wrong("a, c, e", "not-a-dict"),
    Right(TRUTH),
    Right(dict(reversed(TRUTH.items()))),
    Right(dict(zip("abcdef", np.array([1, 0, 1, 0, 1, 0], dtype=bool), strict=True))),
    Wrong({"a": True}, "not-these-statements"),
    Wrong(TRUTH | {"b": "acts"}, "not-true-or-false"),
    Wrong(TRUTH | {"a": False}, "only-gunicorn-replaces"),
    Wrong(TRUTH | {"b": True}, "the-old-code-stays"),
    Wrong(TRUTH | {"c": False}, "nobody-reads-the-format"),
    Wrong(TRUTH | {"d": True}, "asgi-sees-the-client"),
    Wrong(TRUTH | {"e": False}, "int-is-graceful"),
    Wrong(TRUTH | {"f": True}, "exit-code-tells"),
)
def test_task_3(case):
    judge(check, 3, case)
