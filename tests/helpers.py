"""What several test files need: the kinds of servers, and what is left of their processes."""

import socket
import time
from collections.abc import Callable
from typing import Any

import psutil

# The environment variable by which a test knows all processes that came of it.
TOKEN = "WORKERLAB_TEST"

KINDS = {
    "uvicorn": "uvicorn {app} --port {{port}}",
    "uvicorn --workers": "uvicorn {app} --workers 2 --port {{port}}",
    "uvicorn-worker": (
        "gunicorn {app} --workers 2 --worker-class uvicorn_worker.UvicornWorker"
        " --bind 127.0.0.1:{{port}}"
    ),
    "asgi": "gunicorn {app} --workers 2 --worker-class asgi --bind 127.0.0.1:{{port}}",
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app which is not the one of the lessons: it answers everything with `{}`."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})


def command(kind: str, app: str = "app.main:app") -> str:
    """The command line of this kind, with `{port}` left for the kit to fill in."""
    return KINDS[kind].format(app=app)


def offspring(token: str, name: str = TOKEN) -> list[psutil.Process]:
    """All live processes which were started with this value in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(name) == token and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def describe(processes: list[psutil.Process]) -> list[str]:
    """Pid and command line of each, for a message."""
    lines = []
    for process in processes:
        try:
            lines.append(f"{process.pid} {' '.join(process.cmdline())}")
        except psutil.Error:
            continue
    return lines


def kill(processes: list[psutil.Process]) -> None:
    """The last resort of a test which failed."""
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue


def is_taken(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until the condition is true and return the seconds that took; else fail, saying what."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began
