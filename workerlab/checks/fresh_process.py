"""Calling a reader's function in a process of its own, once or several times in a row."""

from collections.abc import Callable, KeysView
from typing import Any

from workerlab.checks.exercise import name_of, source_of
from workerlab.checks.runner import CALLED, LIMIT, Result, as_python, call, call_alone

_AFTER_THE_CELL = """

async def {called}(*calls):
    from workerlab.checks.fresh_process import called
    {first}
    return [await called({name}, arguments) for arguments in calls]
"""


def call_each(
    function: Any,
    calls: list[list[Any]],
    *,
    first: str = "",
    env: dict[str, str] | None = None,
    limit: float = LIMIT,
) -> Result:
    """Call the function once with each list of arguments, after the statement `first`.

    `limit` is that of `call_alone`. The value is the list of what came back. Sets and tuples,
    which JSON does not have, become lists; other values which JSON does not have leave the
    Result's kind at "not json".
    """
    after = _AFTER_THE_CELL.format(called=CALLED, first=first or "pass", name=name_of(function))
    source = source_of(function) + after
    return call_alone(source, CALLED, calls, limit=limit, env=env)


async def called(function: Callable[..., Any], arguments: list[Any]) -> Any:
    return plain(await call(function, *map(_with_tuples, arguments)))


def _with_tuples(argument: Any) -> Any:
    """A list of rows as the notebooks have it: each row a tuple, which JSON makes a list."""
    if isinstance(argument, list):
        return [tuple(row) if isinstance(row, list) else row for row in argument]
    return argument


def plain(value: Any) -> Any:
    """The value with lists in the place of sets and tuples, and Python's numbers for NumPy's."""
    if isinstance(value, list | tuple | set | frozenset | KeysView):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {plain(key): plain(part) for key, part in value.items()}
    return as_python(value) if hasattr(value, "ndim") and value.ndim == 0 else value
