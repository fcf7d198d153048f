"""Running the reader's code in a process of its own, within a time limit.

    python -m workerlab.checks.runner FOLDER     (the kit's own call; readers use the checks)

An endless loop, `sys.exit`, a crash or a crowd of child processes stays in that process, and the
guard ends it with all that it started.
"""

import ast
import asyncio
import importlib
import inspect
import json
import linecache
import os
import shutil
import sys
import tempfile
import time
import types
from collections.abc import Callable, Coroutine, KeysView, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workerlab import ROOT
from workerlab.checks.answer import name_of, source_of
from workerlab.checks.patience import Deadline
from workerlab.reports import reports
from workerlab.server.guard import Guard

LIMIT = 7.0  # seconds
QUICK = 4.0  # seconds, for a function that only computes
GRACE = 0.3  # seconds from TERM to KILL
CELL = "<your cell>"
# The named pipe from which the process takes what workers report, so that the kit's `burst` knows
# there when a handler begins.
LISTEN_TO = "WORKERLAB_LISTEN_TO"
# A module whose `prepare()` the process calls before it executes the cell.
PREPARED_BY = "WORKERLAB_PREPARED_BY"


@dataclass(frozen=True)
class Ended:
    """How a process ended: with this exit code, or None if it was ended after `seconds`."""

    exit_code: int | None
    output: str
    seconds: float


@dataclass(frozen=True)
class Result:
    """How the calls ended.

    `returned`: `value` is the list of what came back, as JSON has it (`not json`: of their reprs).
    `raised`: `error` names the exception, and `where` the line of the cell. `too long`: ended after
    `value` seconds. `exited`: the process ended before the calls did, with `value` as its exit
    code. `output` is what it printed, `pid` the process it ran in, and `until` the moment at which
    the last call came back (monotonic seconds).
    """

    kind: Literal["returned", "not json", "raised", "too long", "exited"]
    value: Any = None
    error: str = ""
    where: str = ""
    output: str = ""
    pid: int = -1
    until: float = 0.0


def run(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str | None], limit: float = LIMIT
) -> Ended:
    """Run a program (`argv[0]` is its path) to its end; nothing that it started is left then.

    `env` adds variables, or removes those that are None. `limit` is in seconds, more on a busy
    machine (`Deadline`). Raises RuntimeError if no process can be started.
    """
    return _run(argv, Path(tempfile.mkdtemp(prefix="workerlab-")), cwd, env, limit)[0]


def _run(
    argv: Sequence[str], folder: Path, cwd: Path, env: Mapping[str, str | None], limit: float
) -> tuple[Ended, str]:
    """The same with a folder, which is removed; and the text of `result.json`, if it is there."""
    # Its temporary files go with its folder, however it ends.
    variables = {**os.environ, **env, "PYTHONUNBUFFERED": "1", "TMPDIR": str(folder)}
    with open(folder / "log", "w+b") as log:
        guard = Guard.start(
            list(argv),
            folder=folder,
            log=folder / "log",
            cwd=cwd,
            env={name: value for name, value in variables.items() if value is not None},
        )
        try:
            began, deadline = time.monotonic(), Deadline(limit)
            while guard.exit_code is None and not guard.gone and not deadline.passed():
                guard.look(0.2)
            seconds, code = time.monotonic() - began, guard.exit_code
            result = folder / "result.json"
            found = result.read_text() if result.exists() else ""
        finally:
            guard.end(GRACE)
        log.seek(0)
        output = log.read().decode(errors="replace")
    if guard.leader == -1:
        raise RuntimeError(guard.failure or "the process that guards your code has ended")
    return Ended(code, output, seconds), found


def call_in_subprocess(
    function: Any,
    calls: Sequence[Sequence[Any]],
    *,
    limit: float = LIMIT,
    env: Mapping[str, str] | None = None,
    catch: bool = False,
) -> Result:
    """Execute the cell in which `function` was written in a fresh process, and call it each time.

    `calls` are lists of arguments that JSON has; a list of lists arrives as a list of tuples. Sets
    and tuples that come back become lists. With `catch`, an exception of a call does not end the
    others: in its place stands `{"raised": [names of its class and its bases], "text": what it
    says, "where": the line of the cell}`.
    """
    return call_source(
        source_of(function), name_of(function), calls, limit=limit, env=env, catch=catch
    )


def call_source(
    source: str,
    name: str,
    calls: Sequence[Sequence[Any]],
    *,
    limit: float = LIMIT,
    env: Mapping[str, str] | None = None,
    catch: bool = False,
) -> Result:
    """The same for a function of this name in the source of a cell."""
    folder = Path(tempfile.mkdtemp(prefix="workerlab-"))
    try:
        (folder / "source.py").write_text(source, encoding="utf-8")
        wanted = {"name": name, "calls": [list(call) for call in calls], "catch": catch}
        (folder / "call.json").write_text(json.dumps(wanted))
        argv = [sys.executable, "-m", "workerlab.checks.runner", str(folder)]
        ended, found = _run(argv, folder, ROOT, env or {}, limit)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if found:
        return Result(**json.loads(found), output=ended.output)
    if ended.exit_code is not None:
        return Result("exited", ended.exit_code, output=ended.output)
    return Result("too long", ended.seconds, output=ended.output)


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in a thread with its own loop: a notebook's is running already."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, coroutine).result()


def main(folder: Path) -> None:
    """What the fresh process does."""
    if LISTEN_TO in os.environ:
        reports.listen(Path(os.environ[LISTEN_TO]))
    if PREPARED_BY in os.environ:
        importlib.import_module(os.environ[PREPARED_BY]).prepare()
    source = (folder / "source.py").read_text(encoding="utf-8")
    linecache.cache[CELL] = (len(source), None, source.splitlines(keepends=True), CELL)
    try:
        values = asyncio.run(_execute(source, **json.loads((folder / "call.json").read_text())))
    except Exception as error:
        result = {"kind": "raised", **_told(error)}
    else:
        try:
            result = {"kind": "returned", "value": json.loads(json.dumps(to_jsonable(values)))}
        except (TypeError, ValueError, RecursionError):
            result = {"kind": "not json", "value": [repr(value)[:200] for value in values]}
    unfinished = folder / "unfinished"
    unfinished.write_text(json.dumps(result | {"pid": os.getpid(), "until": time.monotonic()}))
    unfinished.rename(folder / "result.json")
    # Threads that the code left behind must not hold up the end.
    sys.stdout.flush()
    os._exit(0)


async def _execute(source: str, name: str, calls: list[list[Any]], catch: bool) -> list[Any]:
    # As in a notebook, the cell is the main module: a process pool looks up its functions there.
    cell = sys.modules["__main__"] = types.ModuleType("__main__")
    # A cell may await at its top level, and so may this.
    running = eval(compile(source, CELL, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), vars(cell))
    if inspect.isawaitable(running):
        await running
    values = []
    for arguments in calls:
        try:
            values.append(await call(getattr(cell, name), *map(_with_tuples, arguments)))
        except Exception as error:
            if not catch:
                raise
            raised = [base.__name__ for base in type(error).__mro__]
            values.append({"raised": raised, "text": str(error), **_told(error)})
    return values


async def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function, a coroutine function too; one that runs a loop of its own, in a thread."""
    try:
        value = function(*arguments)
    except RuntimeError as error:
        if "running event loop" not in str(error) and "already running" not in str(error):
            raise
        value = await asyncio.to_thread(function, *arguments)
    return await value if inspect.isawaitable(value) else value


def _told(error: BaseException) -> dict[str, str]:
    """The exception, and the innermost line of the reader's cell that it came through."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    line = error.lineno if isinstance(error, SyntaxError) else 0
    part = error.__traceback__
    while part is not None:
        line = part.tb_lineno if part.tb_frame.f_code.co_filename == CELL else line
        part = part.tb_next
    where = f"line {line}: {linecache.getline(CELL, line).strip()}" if line else ""
    return {"error": f"{type(error).__name__}: {error}", "where": where}


def _with_tuples(argument: Any) -> Any:
    """A list of rows as the notebooks have it: each row a tuple, which JSON makes a list."""
    if isinstance(argument, list):
        return [tuple(row) if isinstance(row, list) else row for row in argument]
    return argument


def to_jsonable(value: Any) -> Any:
    """The value with lists for sets and tuples, and Python's numbers for others.

    Raises TypeError for what JSON does not have.
    """
    if isinstance(value, list | tuple | set | frozenset | KeysView):
        return [to_jsonable(part) for part in value]
    if isinstance(value, dict):
        return {to_builtin(key): to_jsonable(part) for key, part in value.items()}
    return to_builtin(value)


def to_builtin(value: Any) -> Any:
    """What NumPy made, or a fraction, as Python has it; anything else as it is."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "numerator") and not isinstance(value, int):
        return float(value)
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
