"""The bank of answers to exercise 07, task 3, and what is said where it cannot be measured."""

import gc
import sys
from array import array  # noqa: F401  # for the answers
from types import SimpleNamespace
from typing import Any

import numpy as np  # noqa: F401  # for an answer
import pytest

from tests.answers import Right, Wrong, bank, judge
from tests.nbval_adapter import ALLOWED, is_allowed
from workerlab.checks.ex07_how_many_workers import check, task_3_preloading
from workerlab.claims import NOT_MEASURABLE

PRELOAD = "preload_app = True"
ARRAY = "array('d', [1.0]) * 5_000_000"


def made(answer: tuple[Any, str]) -> tuple[Any, Any]:
    """The answer with its data, which are made only when their turn has come."""
    setting, data = answer
    return setting, eval(data)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports shared memory")
@bank(
    Wrong(("--preload", ARRAY), "option-not-setting"),
    Wrong(("preload = True", ARRAY), "no-such-setting"),
    Wrong(("preload_app = False", ARRAY), "not-preloaded"),
    Wrong(("preload_app: yes please", ARRAY), "syntax-error"),
    Wrong(("preload_app = 'perhaps'", ARRAY), "invalid-value"),
    Wrong((True, ARRAY), "not-a-string"),
    Wrong((PRELOAD, "[float(i) for i in range(1_250_000)]"), "reference-counts"),
    Wrong((PRELOAD, "tuple(range(10_000, 1_000_000))"), "reference-counts"),
    Wrong((PRELOAD, "array('d', [1.0]) * 50_000_000"), "not-about-40-mb"),
    Wrong((PRELOAD, "[float(i) for i in range(4_000_000)]"), "not-about-40-mb"),
    Wrong((PRELOAD, "(1.0 for i in range(5_000_000))"), "not-about-40-mb"),
    Wrong((PRELOAD, "memoryview(array('d', [1.0]) * 5_000_000)"), "not-numbers"),
    Wrong((PRELOAD, "'1' * 40_000_000"), "not-numbers"),
    Right((PRELOAD, ARRAY)),
    Right(("_n = 4\npreload_app = bool(_n)", "np.arange(5_000_000)")),
    Right((PRELOAD, "bytes([1]) * 40_000_000")),
    # One object, to which all places point.
    Right((PRELOAD, "[0.5] * 5_000_000")),
)
def test_task_3(case):
    judge(check, 3, case, made)
    gc.collect()


def test_where_memory_is_not_reported_it_is_an_allowed_skip(monkeypatch):
    nothing = SimpleNamespace(memory_full_info=SimpleNamespace)
    monkeypatch.setattr(task_3_preloading.psutil, "Process", lambda: nothing)
    verdict = check.judge(3, made((PRELOAD, ARRAY)))
    assert verdict.outcome == "could not check"
    skips = [line for line in str(verdict).splitlines() if line.startswith(NOT_MEASURABLE)]
    assert [is_allowed(line, "darwin", ALLOWED.read_text()) for line in skips] == [True]
    assert not is_allowed(skips[0], "linux", ALLOWED.read_text())


def test_an_answer_to_the_task_as_it_was_is_not_judged():
    verdict = check.judge(3, (PRELOAD, SimpleNamespace(routes=[])))
    assert verdict.outcome == "could not check" and "./learn reset 07" in verdict.sentence
