"""What the banks of answers share: an answer, the verdict it must get, and a cell to put it in."""

import itertools
import linecache
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from workerlab.checks.exercise import Exercise

_cells = itertools.count(1)


@dataclass(frozen=True, repr=False)
class Wrong:
    """An answer that must be refused for this misconception and for no other."""

    answer: Any
    misconception: str

    def __repr__(self) -> str:
        return self.misconception


@dataclass(frozen=True, repr=False)
class Right:
    """An answer that must pass."""

    answer: Any

    def __repr__(self) -> str:
        return "right"


def bank(*cases: Wrong | Right) -> pytest.MarkDecorator:
    """Have a test judge each of these answers. All but the first wrong one are slow tests: so a
    check that says right to everything is noticed by the quick ones too."""
    quick = next(case for case in cases if isinstance(case, Wrong))
    params = [
        pytest.param(case, id=repr(case), marks=() if case is quick else pytest.mark.slow)
        for case in cases
    ]
    return pytest.mark.parametrize("case", params)


def run_cell(source: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run a cell with these names, as IPython would, and return all names that there are then."""
    file = f"<cell {next(_cells)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = {"__name__": "__main__", **(names or {})}
    exec(compile(source, file, "exec"), names)
    return names


def from_cell(name: str) -> Callable[[str], Any]:
    """Makes what a cell calls `name` from the cell's source."""
    return lambda source: run_cell(source)[name]


def judge(
    check: Exercise, task: int, case: Wrong | Right, make: Callable[[Any], Any] | None = None
) -> None:
    """Compare the verdict on an answer with what it must be."""
    answer = make(case.answer) if make else case.answer
    verdict = check.judge(task, answer)
    if verdict.outcome == "could not check":
        # On a busy machine it says so, and to run it again: as a reader would, once.
        warnings.warn(f"task {task}, {case!r}, judged twice: {verdict}", stacklevel=2)
        verdict = check.judge(task, answer)
    if isinstance(case, Right):
        assert verdict.outcome == "right", verdict
    else:
        assert (verdict.outcome, verdict.misconception) == ("wrong", case.misconception), verdict
        assert verdict.sentence and verdict.question.endswith("?"), verdict
