"""Calling a reader's function in a process of its own, once or several times in a row."""

import inspect
from collections.abc import KeysView
from typing import Any

from workerlab.alone import LIMIT, Result, call_alone
from workerlab.exercise import source_of

_AFTER_THE_CELL = """

async def _called_by_the_check(*calls):
    from workerlab.checks.fresh_process import finished
    {first}
    return [await finished(globals()[{name!r}](*arguments)) for arguments in calls]
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
    after = _AFTER_THE_CELL.format(first=first or "pass", name=function.__name__)
    source = source_of(function) + after
    return call_alone(source, "_called_by_the_check", calls, limit=limit, env=env)


async def finished(value: Any) -> Any:
    return plain(await value if inspect.isawaitable(value) else value)


def plain(value: Any) -> Any:
    """The value with lists in the place of its sets and tuples."""
    if isinstance(value, list | tuple | set | frozenset | KeysView):
        return [plain(part) for part in value]
    return value
