"""What the banks of answers share: an answer, the verdict it must get, and a cell to put it in."""

import itertools
import linecache
import warnings
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class CellFunction:
    """Makes an object of this name from a cell's source, as IPython would."""

    name: str

    def __call__(self, source: str) -> Any:
        file = f"<cell {next(_cells)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(source, file, "exec"), names)
        return names[self.name]


def judge(
    check: Exercise, task: int, case: Wrong | Right, make: CellFunction | None = None
) -> None:
    """Hold the verdict on an answer against what it must be."""
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
        assert verdict.sentence and verdict.question
