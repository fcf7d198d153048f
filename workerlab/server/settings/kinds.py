"""The kinds of servers that settings are tried on, how each spells them, and how one is started."""

import contextvars
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from workerlab.server.server import Server

ACTS, IGNORED, NO_EFFECT, DIFFERS = "acts", "ignored", "no effect", "differs"
NOT_THERE, NOT_MEASURABLE = "not there", "not measurable"

# The app that tells what the server made of a request. A copy is served, which a probe may change.
SERVED = Path(__file__).with_name("served.py").read_text(encoding="utf-8")

# Trials that run side by side, each in a thread of its own, have servers of their own.
# Not more than two start at a time: Uvicorn takes a child that starts too slowly for a dead one.
_starting = threading.BoundedSemaphore(2)
_trial = contextvars.ContextVar("trial", default="")


def begin_trial(number: int) -> None:
    """Let servers that this thread starts from now on have names of their own."""
    _trial.set(f"trial {number}, ")


def name_in_trial(name: str) -> str:
    """The name of a server of this trial."""
    return _trial.get() + name


class NoSuchOption(Exception):
    """This kind of server has no option for the setting."""


@dataclass(frozen=True)
class Kind:
    """A kind of server: its command line, and how a setting is spelt there.

    The settings have Gunicorn's names; `{}` in a spelling stands for the value. `address` is the
    part of the command that says where it listens; `workers` are the fewest with which it has a
    master.
    """

    name: str
    command: str
    address: str
    workers: int
    spellings: Mapping[str, str]

    def option(self, setting: str, value: object) -> str:
        """This setting on the command line. Raises NoSuchOption."""
        if setting not in self.spellings:
            raise NoSuchOption(f"{self.name}: {setting}")
        return self.spellings[setting].format(value)


_GUNICORN = {
    "unix_socket": "--bind unix:{}",
    "workers": "--workers {}",
    "pythonpath": "--pythonpath {}",
    "config": "-c {}",
    "backlog": "--backlog {}",
    "reuse_port": "--reuse-port",
    "worker_connections": "--worker-connections {}",
    "limit_request_line": "--limit-request-line {}",
    "limit_request_fields": "--limit-request-fields {}",
    "forwarded_allow_ips": "--forwarded-allow-ips {}",
    "threads": "--threads {}",
    "max_requests": "--max-requests {}",
    "preload": "--preload",
    "reload": "--reload",
    "worker_tmp_dir": "--worker-tmp-dir {}",
    "timeout": "--timeout {}",
    "graceful_timeout": "--graceful-timeout {}",
    "keepalive": "--keep-alive {}",
    "accesslog": "--access-logfile -",
    "no_accesslog": "",  # there is none unless it is asked for
    "access_log_format": "--access-logformat {}",
    "errorlog": "--error-logfile {}",
    "loglevel": "--log-level {}",
    "proc_name": "--name {}",
    "daemon": "--daemon",
    "pidfile": "--pid {}",
    "user": "--user {}",
    "group": "--group {}",
}
_UVICORN = {
    "unix_socket": "--uds {}",
    "workers": "--workers {}",
    "pythonpath": "--app-dir {}",
    "backlog": "--backlog {}",
    "worker_connections": "--limit-concurrency {}",
    "forwarded_allow_ips": "--forwarded-allow-ips {}",
    "max_requests": "--limit-max-requests {}",
    "reload": "--reload --reload-dir {}",
    "timeout": "--timeout-worker-healthcheck {}",
    "graceful_timeout": "--timeout-graceful-shutdown {}",
    "keepalive": "--timeout-keep-alive {}",
    "accesslog": "",  # there is one unless it is switched off
    "no_accesslog": "--no-access-log",
    "loglevel": "--log-level {}",
}

UVICORN_WORKER = Kind(
    name="UvicornWorker",
    command="gunicorn {app} --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{{port}}",
    address="--bind 127.0.0.1:{port}",
    workers=1,
    spellings=_GUNICORN,
)
ASGI = Kind(
    name="asgi",
    command="gunicorn {app} --worker-class asgi --bind 127.0.0.1:{{port}}",
    address="--bind 127.0.0.1:{port}",
    workers=1,
    spellings=_GUNICORN,
)
UVICORN = Kind(
    name="uvicorn --workers",
    command="uvicorn {app} --host 127.0.0.1 --port {{port}}",
    address="--host 127.0.0.1 --port {port}",
    workers=2,
    spellings=_UVICORN,
)
KINDS = (UVICORN_WORKER, ASGI, UVICORN)


def start(
    kind: Kind,
    app: str = "app.main:app",
    *,
    files: Mapping[str, str] | None = None,
    env: dict[str, str] | None = None,
    name: str = "probe",
    **settings: object,
) -> Server:
    """Start this kind of server with these settings, and as few workers as it can have.

    `workers=None` leaves their number to the server. Raises NoSuchOption.
    """
    settings = {"workers": kind.workers} | settings
    options = [
        kind.option(setting, value) for setting, value in settings.items() if value is not None
    ]
    command = " ".join([kind.command.format(app=app), *options])
    if "unix_socket" in settings:
        command = command.replace(kind.address, "")
    with _starting:
        return Server(command, files=files, env=env, name=name_in_trial(name))


def start_served(kind: Kind, *, files: Mapping[str, str] | None = None, **settings) -> Server:
    """Start this kind of server with the app of served.py, from the server's own folder."""
    files = {"served.py": SERVED} | dict(files or {})
    return start(kind, "served:app", files=files, pythonpath="{folder}", **settings)


def request(
    server: Server,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30.0,
) -> tuple[int, str]:
    """The status and the text of the reply to one request, a POST if it has a body.

    Raises TimeoutError after `timeout` seconds of silence; OSError or HTTPException where the
    connection breaks.
    """
    connection = HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.request("GET" if body is None else "POST", path, body, dict(headers or {}))
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def answer(server: Server, path: str) -> str | None:
    """The text of a good reply; None for any other, and where the connection breaks."""
    try:
        status, text = request(server, path)
    except (OSError, HTTPException):
        return None
    return text if status == 200 else None


def comes_true(condition: Callable[[], bool], within: float) -> bool:
    """Whether the condition holds at some moment of the next `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
