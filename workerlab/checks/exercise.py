"""An exercise as its notebook sees it: `check.task_1(answer)` and `check.hint(1)`."""

import ast
import inspect
import linecache
from collections.abc import Callable
from typing import Any

from workerlab.checks.verdicts import Verdict, could_not_check, not_attempted
from workerlab.course import progress


class Exercise:
    """The tasks of one exercise, each with a check and three hints.

    A check gets the reader's answer and gives a Verdict. It is registered with `@exercise.task(1,
    hints=[...])` and called in the notebook as `check.task_1(answer)`, which prints the verdict
    and, in the reader's own copy, records a task that is done. Nothing is ever raised there.
    """

    def __init__(self, number: str) -> None:
        self.number = number
        self.hints: dict[int, list[str]] = {}
        self._checks: dict[int, Callable[[Any], Verdict]] = {}
        self._hints_given: dict[int, int] = {}

    @property
    def tasks(self) -> list[int]:
        """The numbers of the tasks, in order."""
        return sorted(self._checks)

    def task(self, number: int, hints: list[str]) -> Callable:
        """Register a function as the check of a task."""

        def register(check: Callable[[Any], Verdict]) -> Callable[[Any], Verdict]:
            self._checks[number] = check
            self.hints[number] = hints
            return check

        return register

    def judge(self, number: int, answer: Any) -> Verdict:
        """The verdict on an answer; whatever goes wrong in the check itself is one too."""
        if is_blank(answer):
            return not_attempted()
        try:
            return self._checks[number](answer)
        except Exception as error:
            return could_not_check(f"{type(error).__name__}: {error}")

    def __getattr__(self, name: str) -> Callable[[Any], None]:
        kind, _, number = name.partition("_")
        if kind != "task" or not number.isdecimal() or int(number) not in self._checks:
            tasks = ", ".join(f"task_{task}" for task in self.tasks)
            raise AttributeError(f"there is no {name!r} here; there are {tasks} and hint")

        def check(answer: Any) -> None:
            verdict = self.judge(int(number), answer)
            print(verdict)
            if verdict.outcome == "right" and progress.is_reader_here():
                progress.record(self.number, int(number))

        return check

    def hint(self, task: int) -> None:
        """Print the next of the task's three hints; after the last one, the last again."""
        if task not in self.hints:
            print(f"There is no task {task}; there are {', '.join(map(str, self.tasks))}.")
            return
        given = min(self._hints_given.get(task, 0) + 1, len(self.hints[task]))
        self._hints_given[task] = given
        print(f"Hint {given} of {len(self.hints[task])}: {self.hints[task][given - 1]}")


def is_blank(answer: Any) -> bool:
    """Whether the three dots are still there: as the answer, or as the body of a function."""
    if answer is ...:
        return True
    if isinstance(answer, list | tuple | set):
        return any(is_blank(part) for part in answer)
    body = body_of(answer)
    return body is not None and any(_is_dots(statement) for statement in body)


def source_of(function: Any) -> str:
    """The source of the whole cell, or file, in which a function was written; empty if unknown.

    Of a decorated function, that of the function inside.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    return "".join(linecache.getlines(code.co_filename)) if code else ""


def name_of(function: Any) -> str:
    """The name which a function has in its cell: a lambda knows none itself."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    own = str(getattr(function, "__name__", ""))
    if names.get(own) is function:
        return own
    return next((name for name, value in names.items() if value is function), own)


def body_of(function: Any) -> list[ast.stmt] | None:
    """The statements of a function, its docstring left out; None if this is no function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    try:
        tree = ast.parse(source_of(function))
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = {node.lineno, *(d.lineno for d in node.decorator_list)}
            if code is not None and node.name == code.co_name and code.co_firstlineno in lines:
                return [s for s in node.body if not _is_text(s)]
    return None


def _is_dots(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None)
    return isinstance(value, ast.Constant) and value.value is ...


def _is_text(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None)
    return isinstance(statement, ast.Expr) and isinstance(getattr(value, "value", None), str)
