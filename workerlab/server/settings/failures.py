"""Trials of what happens when a worker dies, and when a start fails."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from workerlab.ports import free_port
from workerlab.server.server import ROOT, adopt, release
from workerlab.server.settings.kinds import (
    ACTS,
    DIFFERS,
    IGNORED,
    SERVED,
    Kind,
    comes_true,
    name_in_trial,
    start_served,
)

BROKEN = "import no_such_module\n" + SERVED
FAILING_LIFESPAN = (
    SERVED
    + """

async def fail(app):
    raise RuntimeError("lifespan of the trial")
    yield

from contextlib import asynccontextmanager
app.router.lifespan_context = asynccontextmanager(fail)
"""
)


def killed_worker(kind: Kind) -> str:
    """Is a worker that is killed replaced within 10 seconds?"""
    server = start_served(kind, workers=2)
    first = set(server.workers)
    os.kill(min(first), signal.SIGKILL)
    is_replaced = comes_true(
        lambda: len(server.workers) == 2 and min(first) not in server.workers, within=10
    )
    return ACTS if is_replaced else IGNORED


def port_taken(kind: Kind) -> str:
    """If another program has the port, does it end with an exit code that is not 0?"""
    with socket.create_server(("127.0.0.1", 0)) as other:
        return ends_with_an_error(kind, SERVED, other.getsockname()[1])


def import_error(kind: Kind) -> str:
    """If the app's import fails, does it end with an exit code that is not 0?"""
    return ends_with_an_error(kind, BROKEN, free_port(), "No module named 'no_such_module'")


def lifespan_error(kind: Kind) -> str:
    """If the app's lifespan raises, does it end with an exit code that is not 0?"""
    return ends_with_an_error(kind, FAILING_LIFESPAN, free_port(), "lifespan of the trial")


def ends_with_an_error(kind: Kind, app: str, port: int, failure: str = "\0") -> str:
    """Start it with this app. DIFFERS: it ends with 0, or its workers fail again and again."""
    with beginning(kind, app, port) as (process, log):
        again = kind.workers + 2
        fails = comes_true(
            lambda: process.poll() is not None or log().count(failure) > again, within=30
        )
        if process.poll():
            return ACTS
        return DIFFERS if fails else IGNORED


@contextlib.contextmanager
def beginning(
    kind: Kind, app: str, port: int
) -> Iterator[tuple[subprocess.Popen, Callable[[], str]]]:
    """The first process of a server that need not become ready, and what reads its log."""
    name = name_in_trial("probe")
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        Path(folder, "served.py").write_text(app, encoding="utf-8")
        options = [kind.option("pythonpath", folder), kind.option("workers", kind.workers)]
        command = " ".join(
            [kind.command.format(app="served:app").format(port=port, folder=folder), *options]
        )
        # As typed here, the command is this environment's.
        path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        settings = {
            "PATH": os.pathsep.join(path),
            "GUNICORN_CMD_ARGS": f"--control-socket {folder}/control",
        }
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                command.split(),
                cwd=ROOT,
                env=os.environ | settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            adopt(process, name)
            yield process, lambda: Path(folder, "log").read_text(errors="replace")
        finally:
            release(name)
