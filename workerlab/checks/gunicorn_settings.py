"""How Gunicorn itself reads a command line and a configuration file, without a server.

A configuration file is the reader's code. So it is executed in a process of its own, and once more
in a fork for each environment in which it is to be read: what it does to one leaves no trace in
the next, and its exit code and what it prints are those of the program itself.
"""

import ipaddress
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workerlab import ROOT
from workerlab.checks.patience import patience
from workerlab.checks.runner import call_alone
from workerlab.server.commands import SETTINGS, is_loopback

LIMIT = 2.0  # seconds, for each environment
NAMES = (
    "accesslog",
    "bind",
    "errorlog",
    "max_requests",
    "max_requests_jitter",
    "threads",
    "timeout",
    "worker_connections",
    "workers",
)
_CALL = "from workerlab.checks.gunicorn_settings import read_in_forks\n"


@dataclass(frozen=True)
class Reading:
    """How Gunicorn read it.

    `settings` are those in NAMES, the `worker_class` by its full name, and in `bases` the full
    names of that class and all that it is built on (empty if it cannot be imported). They are
    None where Gunicorn ended instead, with this `exit_code` and `output`; without an exit code it
    did not come to an end.
    """

    settings: dict[str, Any] | None
    exit_code: int | None
    output: str


def read_settings(
    arguments: list[str],
    environments: Sequence[dict[str, str | None]] = ({},),
    cwd: str | Path = ROOT,
) -> list[Reading]:
    """Have Gunicorn read these arguments of its command line, once with each environment.

    An environment adds variables to the reader's own, or takes those away which are None. `cwd` is
    the folder in which Gunicorn would start.
    """
    result = call_alone(_CALL, "read_in_forks", [arguments, list(environments), str(cwd)], limit=8)
    if result.kind != "returned":
        code = result.value if result.kind == "exited" else None
        return [Reading(None, code, result.output)] * len(environments)
    return [Reading(**reading) for reading in result.value]


def is_here(bind: list[str] | str) -> bool:
    """Whether all addresses of the setting `bind` are this machine's own."""
    addresses = ",".join(bind if isinstance(bind, list) else [bind])
    return all(_is_here(address) for address in addresses.split(","))


def _is_here(address: str) -> bool:
    if address.startswith(("unix:", "fd://")):
        return True
    address = address.strip().removeprefix("tcp://")
    # Without a port it is 8000, as Gunicorn has it.
    host = (address.rpartition(":")[0] if ":" in address else address).strip("[]")
    try:
        return is_loopback(host) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_in_forks(arguments: list[str], environments: list[dict], cwd: str) -> list[dict[str, Any]]:
    """The readings as JSON has them; for a process of its own."""
    import uvicorn_worker  # noqa: F401  # imported here once, and not in each fork
    from gunicorn.app import wsgiapp  # noqa: F401

    sys.argv = ["gunicorn", *arguments]
    os.chdir(cwd)
    readings: list[dict[str, Any]] = []
    for environment in environments:
        # What goes on for ever once is not waited for again.
        endless = readings and readings[-1]["exit_code"] is None
        readings.append(readings[-1] if endless else _read_in_a_fork(environment))
    return readings


def _read_in_a_fork(environment: dict[str, str | None]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        output, found = Path(folder, "output"), Path(folder, "found")
        pid = os.fork()
        if pid == 0:
            _read(environment, output, found)
        code = _exit_code(pid, time.monotonic() + patience(LIMIT))
        printed = output.read_text(errors="replace") if output.exists() else ""
        settings = json.loads(found.read_text()) if found.exists() else None
    return {"settings": settings, "exit_code": code, "output": printed}


def _read(environment: dict[str, str | None], output: Path, found: Path) -> None:
    """Read, write down what was found, and end this process as Gunicorn would."""
    log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for name in list(os.environ):
        if SETTINGS.fullmatch(name) or environment.get(name, "") is None:
            del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if value is not None})
    code = 0
    try:
        _write_down(found)
    except SystemExit as end:
        code = _code_of(end)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _write_down(found: Path) -> None:
    # Its defaults depend on the environment, so they are to be made anew.
    for name in [name for name in sys.modules if name.partition(".")[0] == "gunicorn"]:
        if name == "gunicorn.config" or name.startswith("gunicorn.app"):
            del sys.modules[name]
    from gunicorn.app.wsgiapp import WSGIApplication
    from gunicorn.util import load_class

    settings = WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn").cfg.settings
    values = {name: settings[name].get() for name in NAMES}
    worker_class = settings["worker_class"].get()
    try:
        bases = [_full_name(base) for base in load_class(worker_class).__mro__[:-1]]
    except Exception:
        bases = []
    name = worker_class if isinstance(worker_class, str) else _full_name(worker_class)
    unfinished = found.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(values | {"worker_class": name, "bases": bases}))
    unfinished.rename(found)


def _full_name(one: type) -> str:
    return f"{one.__module__}.{one.__qualname__}"


def _code_of(end: SystemExit) -> int:
    """The exit code of a program which raises this, its message printed as Python does."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def _exit_code(pid: int, deadline: float) -> int | None:
    """The exit code of a child; None if the deadline came first and it was killed."""
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
