"""Several workers that serve the reader's cell slowed, and that can be killed and replaced."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGKILL

from workerlab.checks.app import serving
from workerlab.checks.patience import patience
from workerlab.checks.verdicts import Refused, too_busy
from workerlab.server import Server

READY = 6.0  # seconds
# Imported by the master, so that a new worker is there soon; the cell is not.
FILES = {"conf.py": "from workerlab.checks import import_cell\n"}
COMMAND = (
    "gunicorn {{module}}:app -c {{folder}}/conf.py --chdir {{folder}} --workers {}"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{{port}}"
)


@contextmanager
def slowed_workers(source: str, count: int) -> Iterator[Server]:
    """So many workers with `slowed_app`, in an empty folder."""
    options = {"command": COMMAND.format(count), "files": FILES, "probe": True}
    with serving(source, f"{__package__}.slowed_app", **options) as server:
        server.wait_for_workers(count, timeout=patience(READY))
        yield server


def replace(server: Server, *pids: int) -> None:
    """Kill these workers and wait for the new ones. Raises Refused if they don't come in time."""
    count = len(server.workers)
    for pid in pids:
        os.kill(pid, SIGKILL)
    try:
        server.wait_for_workers(count, gone=pids[-1], timeout=patience(READY))
    except TimeoutError:
        raise Refused(too_busy("the new workers were not ready in time")) from None
