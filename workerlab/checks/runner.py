"""Running the reader's code in a process of its own, within a time limit.

    python -m workerlab.checks.runner FOLDER     (the kit's own call; readers use the checks)

The source of the reader's cell is executed from the top, then one function of it is called. So an
endless loop, `sys.exit`, a crash or a crowd of child processes stays in that process, and the
guard ends it with all that it started.
"""

import ast
import asyncio
import inspect
import json
import linecache
import os
import shutil
import sys
import tempfile
import time
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workerlab import ROOT
from workerlab.checks.patience import Deadline
from workerlab.server.guard import Guard

LIMIT = 7.0  # seconds
QUICK = 4.0  # seconds, for a function which only computes
GRACE = 0.3  # seconds from TERM to KILL
CELL = "<your cell>"
CALLED = "_called_by_the_check"  # what a check itself adds behind the cell


@dataclass(frozen=True)
class Result:
    """How the call ended.

    `returned`: `value` is what came back, as JSON has it (`not json`: `value` is its repr).
    `raised`: `error` names the exception. `too long`: ended after `value` seconds. `exited`: the
    process ended before the call did, with `value` as its exit code. `output` is what it printed,
    `pid` the process it ran in.
    """

    kind: Literal["returned", "not json", "raised", "too long", "exited"]
    value: Any = None
    error: str = ""
    output: str = ""
    pid: int = -1


def call_alone(
    source: str,
    function: str,
    arguments: list[Any],
    *,
    limit: float = LIMIT,
    env: dict | None = None,
) -> Result:
    """Execute `source` in a fresh process and call `function` of it with `arguments`.

    `limit` is in seconds, for all of it; it is longer on a busy machine (`Deadline`). Nothing that
    the code started is left when this returns. Raises RuntimeError if no process can be started.
    """
    folder = tempfile.mkdtemp(prefix="workerlab-")
    path = Path(folder)
    try:
        (path / "source.py").write_text(source, encoding="utf-8")
        (path / "call.json").write_text(json.dumps({"function": function, "arguments": arguments}))
        log = open(path / "log", "w+b")  # noqa: SIM115
        # Its temporary files go with its folder, however it ends.
        own = {"PYTHONUNBUFFERED": "1", "TMPDIR": folder}
        its_guard = Guard.start(
            [sys.executable, "-m", "workerlab.checks.runner", folder],
            folder=path,
            log=path / "log",
            cwd=ROOT,
            env={**os.environ, **(env or {}), **own},
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        began, deadline = time.monotonic(), Deadline(limit)
        while its_guard.exit_code is None and not its_guard.gone and not deadline.passed():
            its_guard.look(0.2)
        waited = time.monotonic() - began
        code, is_gone = its_guard.exit_code, its_guard.gone
        result = path / "result.json"
        found = json.loads(result.read_text()) if result.exists() else {}
    finally:
        its_guard.end(GRACE)
    log.seek(0)
    output = log.read().decode(errors="replace")
    log.close()
    if found:
        return Result(**found, output=output)
    if code is not None:
        return Result("exited", code, output=output)
    if is_gone:
        raise RuntimeError(its_guard.failure or "the process that guards your code has ended")
    return Result("too long", waited, output=output)


def main(folder: Path) -> None:
    source = (folder / "source.py").read_text(encoding="utf-8")
    wanted = json.loads((folder / "call.json").read_text())
    try:
        value = asyncio.run(_execute(source, wanted["function"], wanted["arguments"]))
    except Exception as error:
        _print_traceback(error, source)
        result = {"kind": "raised", "error": f"{type(error).__name__}: {error}"}
    else:
        try:
            result = {"kind": "returned", "value": json.loads(json.dumps(value, default=as_python))}
        except (TypeError, ValueError):
            result = {"kind": "not json", "value": repr(value)[:200]}
    result["pid"] = os.getpid()
    unfinished = folder / "unfinished"
    unfinished.write_text(json.dumps(result))
    unfinished.rename(folder / "result.json")
    # Threads that the code left behind must not hold up the end.
    sys.stdout.flush()
    os._exit(0)


async def _execute(source: str, function: str, arguments: list[Any]) -> Any:
    # As in a notebook, the cell is the main module: a process pool looks up its functions there.
    cell = sys.modules["__main__"] = types.ModuleType("__main__")
    # A cell may await at its top level, and so may this.
    code = compile(source, CELL, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, vars(cell))
    if inspect.isawaitable(running):
        await running
    return await call(getattr(cell, function), *arguments)


async def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function, a coroutine function too; one that runs a loop of its own, in a thread."""
    try:
        value = function(*arguments)
    except RuntimeError as error:
        if "running event loop" not in str(error) and "already running" not in str(error):
            raise
        value = await asyncio.to_thread(function, *arguments)
    return await value if inspect.isawaitable(value) else value


def as_python(value: Any) -> Any:
    """A number of NumPy's as Python has it, for json.dumps. Raises TypeError for other objects."""
    if getattr(value, "ndim", None) == 0:
        return value.item()
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")


def _print_traceback(error: Exception, source: str) -> None:
    """Print the part of the traceback which lies in the reader's cell, with its lines."""
    linecache.cache[CELL] = (len(source), None, source.splitlines(keepends=True), CELL)
    part = error.__traceback__
    while part and not (
        part.tb_frame.f_code.co_filename == CELL and part.tb_frame.f_code.co_name != CALLED
    ):
        part = part.tb_next
    traceback.print_exception(error.with_traceback(part or error.__traceback__))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
