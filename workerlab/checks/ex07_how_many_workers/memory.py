"""Serving the reader's app twice, with and without preloading, and measuring what it costs.

Memory is PSS: a page that three processes share counts as a third of a page for each. Only Linux
tells it.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil

from workerlab.checks.app import ERROR, Reply
from workerlab.checks.ex07_how_many_workers.each_worker import ask, cpu_of_workers, one_to_each
from workerlab.checks.ex07_how_many_workers.memory_notes import notes
from workerlab.checks.patience import patience
from workerlab.server.server import Server

WORKERS = 3
COMMAND = (
    f"gunicorn cell:app -c settings.py --workers {WORKERS} --keep-alive 60"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
START_LIMIT = 6.0  # seconds
LIMIT = 8.5  # seconds for all of it
LONGEST = 5.0  # seconds for a request
MB = 1_000_000
# FastAPI is imported before any worker is there, so that it costs the same with and without.
_BEFORE = """\
import resource
import fastapi, uvicorn_worker
from workerlab.checks.ex07_how_many_workers.memory_notes import note as _note
resource.setrlimit(resource.RLIMIT_DATA, (500_000_000, 500_000_000))
_note("settings")
"""
_AFTER = "\ndaemon, errorlog, pidfile = False, '-', None\n"
# The garbage collector writes into every object that it looks at. What is there when the import is
# done is not its business any more, so that only the reader's own code writes.
_END_OF_CELL = """
from workerlab.checks.ex07_how_many_workers.memory_notes import note as _note
_note("cell", globals())
import gc as _gc
_gc.freeze()
"""


@dataclass
class Measured:
    """Memory in MB, of the master and its workers together, and what the workers answered.

    `idle`: before the first request, `read` and `written`: after each worker has answered /read,
    and then /write. `own` is what one worker had for itself alone, in MB, at each moment; `peak`
    by how much MB a worker had more at some time during /write. `sums` are the replies of all
    workers to /read, `sums_afterwards` that of the first after /write. `trouble` is a reply which
    is none.
    """

    without: float = 0.0
    total: dict[str, float] = field(default_factory=dict)
    own: dict[str, float] = field(default_factory=dict)
    peak: float = 0.0
    sums: list[Any] = field(default_factory=list)
    sums_afterwards: list[Any] = field(default_factory=list)
    shared_by_all: bool = False
    trouble: Reply | None = None
    too_busy: bool = False
    notes: list[dict[str, Any]] = field(default_factory=list)
    master: int = -1
    log: str = ""


def tells_pss() -> bool:
    """Whether this system tells how much memory a process shares with others."""
    try:
        return getattr(psutil.Process().memory_full_info(), "pss", 0) > 0
    except psutil.Error:
        return False


def measure(source: str, settings: str) -> Measured:
    """Serve the cell and ask every worker for /read and /write, and one for /read again.

    Takes up to about 10 seconds. Raises ServerDidNotStart, with the log of the first that failed.
    """
    deadline = time.monotonic() + patience(LIMIT)
    with _folder(source, settings) as mine, _folder(source, "") as plain:
        with ThreadPoolExecutor(2) as pool:
            folders = {"check": mine, "check-without": plain}
            starting = [pool.submit(_start, *pair) for pair in folders.items()]
        try:
            server, other = [one.result() for one in starting]
            found = Measured(master=server.pid)
            try:
                _look(server, other, found, deadline)
            finally:
                found.log = _log_of(server, found.trouble)
                found.notes = notes(server.log)
        finally:
            for one in starting:
                if one.exception() is None:
                    one.result().stop(grace=0)
    return found


@contextlib.contextmanager
def _folder(source: str, settings: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        Path(folder, "cell.py").write_text(source + _END_OF_CELL, encoding="utf-8")
        Path(folder, "settings.py").write_text(f"{_BEFORE}{settings}{_AFTER}", encoding="utf-8")
        yield folder


def _start(name: str, folder: str) -> Server:
    # NumPy would set memory aside for a thread on each core.
    env = {"OPENBLAS_NUM_THREADS": "1"}
    return Server(COMMAND, name=name, env=env, cwd=folder, timeout=patience(START_LIMIT))


def _look(server: Server, other: Server, found: Measured, deadline: float) -> None:
    connections = one_to_each(server, WORKERS, deadline)
    if connections is None or one_to_each(other, WORKERS, deadline) is None:
        found.too_busy = True
        return
    found.without = _total(other)
    _note_memory(server, "idle", found)
    if not _ask_all(connections, server, "/read", found, deadline, found.sums):
        return
    _note_memory(server, "read", found)
    before = [_peak(pid) for pid in server.workers]
    if not _ask_all(connections, server, "/write", found, deadline, []):
        return
    after = [_peak(pid) for pid in server.workers]
    found.peak = max((b - a for a, b in zip(before, after, strict=False)), default=0.0)
    _note_memory(server, "written", found)
    first, second = connections[:1], connections[1:2]
    if not _ask_all(first, server, "/read", found, deadline, found.sums_afterwards):
        return
    if found.total["written"] < found.total["read"] + (found.without - found.total["idle"]) / 2:
        # Does one worker see what another has written?
        before_it, after_it = [], []
        _ask_all(second, server, "/read", found, deadline, before_it)
        _ask_all(first, server, "/write", found, deadline, [])
        _ask_all(second, server, "/read", found, deadline, after_it)
        found.shared_by_all = before_it != after_it


def _log_of(server: Server, trouble: Reply | None) -> str:
    """The log, with the exception that is told some time after a reply with status 500."""
    until = time.monotonic() + 1
    while trouble and trouble.status == 500 and time.monotonic() < until:
        if ERROR.search(server.log):
            break
        time.sleep(0.02)
    return server.log


def _ask_all(
    connections: list[HTTPConnection],
    server: Server,
    path: str,
    found: Measured,
    deadline: float,
    bodies: list[Any],
) -> bool:
    """Ask over all connections at once; whether all replies are good."""
    began, cpu = time.monotonic(), cpu_of_workers(server)
    limit = min(patience(LONGEST), max(1.0, deadline - began))
    with ThreadPoolExecutor(WORKERS) as pool:
        replies = list(pool.map(lambda one: ask(one, path, limit), connections))
    bodies += [reply.body for reply in replies]
    bad = [reply for reply in replies if reply.status != 200]
    if not bad:
        return True
    found.trouble = next((reply for reply in bad if reply.status), bad[0])
    if found.trouble.status is None and "time limit" in found.trouble.error:
        used = (cpu_of_workers(server) - cpu) / len(connections)
        # Neither at work for long nor at rest: other programs have the cores.
        found.too_busy = 0.1 * (time.monotonic() - began) < used < 1.2
    return False


def _note_memory(server: Server, moment: str, found: Measured) -> None:
    found.total[moment] = _total(server)
    own = [_memory(pid).uss / MB for pid in server.workers]
    found.own[moment] = sum(own) / max(1, len(own))


def _total(server: Server) -> float:
    return sum(_memory(pid).pss for pid in server.pids) / MB


def _memory(pid: int) -> Any:
    return psutil.Process(pid).memory_full_info()


def _peak(pid: int) -> float:
    """The most memory that a process has had, in MB; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / MB
    return 0.0
