"""An exercise as its notebook sees it: `check.task_1(answer)` and `check.hint(1)`."""

import importlib
import re
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from workerlab.checks.answer import is_blank
from workerlab.checks.verdicts import Refused, Verdict, asked_anew, could_not_check, not_attempted
from workerlab.course import progress
from workerlab.status import status

SECONDS = 3.0  # what a check takes as a rule; the longest takes six
TASK = re.compile(r"task_(\d+)_\w+\.py")


class Exercise:
    """The tasks of one exercise: the modules `task_N_*.py` of its package.

    `package` is the package's full name, whose last part begins with `ex` and the number of the
    exercise. Each module has HINTS, three of them, and `check(answer)`, which returns a Verdict or
    raises Refused; FORM, 1 if it is not there, goes up by one where a task is asked anew. The
    notebook calls `check.task_1(answer)`, which prints the verdict and, in the reader's own copy,
    records a task that is done. Nothing is ever raised there.

    `form` is for copies that a reader made earlier: their tasks are of this form, and those that
    have been asked anew since are not judged.
    """

    def __init__(self, package: str, form: int | None = None) -> None:
        self.number = package.rpartition(".")[2][2:4]
        self._package = package
        self._form = form
        self._hints_given: dict[int, int] = {}

    @cached_property
    def _modules(self) -> dict[int, str]:
        folder = Path(importlib.import_module(self._package).__path__[0])
        found = [(TASK.fullmatch(file.name), file.stem) for file in folder.iterdir()]
        return {int(match[1]): f"{self._package}.{stem}" for match, stem in found if match}

    @property
    def tasks(self) -> list[int]:
        """The numbers of the tasks, in order."""
        return sorted(self._modules)

    def task(self, number: int) -> ModuleType:
        """The module of a task."""
        return importlib.import_module(self._modules[number])

    def judge(self, number: int, answer: Any) -> Verdict:
        """The verdict on an answer; never raises."""
        try:
            if is_blank(answer):
                return not_attempted()
            task = self.task(number)
            if self._form is not None and self._form != getattr(task, "FORM", 1):
                return asked_anew(self.number)
            return task.check(answer)
        except Refused as refused:
            return refused.verdict
        except Exception as error:
            return could_not_check(
                "this check has a bug, which says nothing about your answer; please report it: "
                f"{type(error).__name__}: {error}"
            )

    def __getattr__(self, name: str) -> Any:
        kind, _, number = name.partition("_")
        if kind != "task" or not number.isdecimal() or int(number) not in self._modules:
            tasks = ", ".join(f"task_{task}" for task in self.tasks)
            raise AttributeError(f"there is no {name!r} here; there are {tasks} and hint")

        def check(answer: Any) -> None:
            with status(f"checking task {number}", SECONDS):
                verdict = self.judge(int(number), answer)
            print(verdict)
            if verdict.outcome == "right" and progress.is_reader_here():
                progress.record(self.number, int(number))

        return check

    def hint(self, task: int) -> None:
        """Print the next of the task's three hints; after the last one, the last again."""
        if task not in self._modules:
            print(f"There is no task {task}; there are {', '.join(map(str, self.tasks))}.")
            return
        hints = self.task(task).HINTS
        given = min(self._hints_given.get(task, 0) + 1, len(hints))
        self._hints_given[task] = given
        print(f"Hint {given} of {len(hints)}: {hints[given - 1]}")
