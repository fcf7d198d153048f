"""What a server process tells the kit about each request: the view from inside.

A request that dies sends no reply, so the client alone cannot say how far it came. Where the
environment variable `WORKERLAB_REPORT_TO` names a pipe (see mkfifo(7)), an ASGI middleware writes
one line there at each of these moments; everywhere else nothing is added to the app.

    started PID TIME                     the worker's lifespan start-up is complete
    reached ID PID TIME                  the request reached the app in this worker
    began   ID PID TIME THREAD           its handler began, in this thread
    ended   ID PID TIME                  its handler ended
    replied ID PID TIME STATUS           its reply is complete, just before the last byte is sent
    raised  ID PID TIME ERROR            the app raised this exception

TIME is `time.monotonic()` in seconds. On Linux and macOS this clock is the same one for all
processes of a machine, so times from different workers and from the client may be compared.
Writing never blocks and never raises: the server must not notice that it is being watched. A line
is short enough to be written in one piece, so those of several workers do not mix (pipe(7)).
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

REPORT_TO = "WORKERLAB_REPORT_TO"
REQUEST_ID_HEADER = "x-workerlab-id"

_request_id: ContextVar[str | None] = ContextVar("workerlab_request_id", default=None)
_pipe: int | None = None


def report_requests(app: Any) -> None:
    """Add the reporting middleware to a FastAPI or Starlette app, if the kit is listening."""
    if follow_environment():
        app.add_middleware(ReportingMiddleware)


def follow_environment() -> bool:
    """Have this process report to where the environment says; whether it does."""
    return REPORT_TO in os.environ and report_to(os.environ[REPORT_TO])


def report_to(path: str) -> bool:
    """Have this process report to the named pipe at `path`; False if nobody reads there."""
    global _pipe
    try:
        _pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    return True


@contextmanager
def timed() -> Iterator[dict[str, Any]]:
    """Measure a handler: the dict it yields gets `began` and `ended` (monotonic seconds), `thread`.

    Use it around the work of a handler and put the dict into the reply.
    """
    request_id = _request_id.get()
    timing: dict[str, Any] = {"began": time.monotonic(), "thread": threading.current_thread().name}
    _send("began", request_id, timing["began"], timing["thread"])
    try:
        yield timing
    finally:
        timing["ended"] = time.monotonic()
        _send("ended", request_id, timing["ended"])


def _send(moment: str, request_id: str | None, when: float, detail: object = "") -> None:
    if _pipe is None or request_id is None:
        return
    try:
        os.write(_pipe, f"{moment} {request_id} {os.getpid()} {when} {detail}\n".encode())
    except OSError:
        pass


class ReportingMiddleware:
    """Report the requests which carry the kit's header; let everything else pass untouched."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, _report_startup(send))
            return
        request_id = _header(scope, REQUEST_ID_HEADER.encode())
        if scope["type"] != "http" or request_id is None:
            await self.app(scope, receive, send)
            return

        status = 0

        async def reporting_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False):
                _send("replied", request_id, time.monotonic(), status)
            await send(message)

        _request_id.set(request_id)
        _send("reached", request_id, time.monotonic())
        try:
            await self.app(scope, receive, reporting_send)
        except BaseException as error:
            _send("raised", request_id, time.monotonic(), type(error).__name__)
            raise


def _report_startup(send: Any) -> Any:
    async def reporting_send(message: Any) -> None:
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            _send("started", "-", time.monotonic())

    return reporting_send


def _header(scope: Any, name: bytes) -> str | None:
    for key, value in scope.get("headers", ()):
        if key == name:
            return value.decode("latin-1")
    return None
