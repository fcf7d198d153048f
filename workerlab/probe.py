"""What a server process tells the kit about each request: the view from inside.

A request that dies sends no reply, so the client alone cannot say how far it came. Where the
environment variable `WORKERLAB_REPORT_TO` names a UDP port on 127.0.0.1, an ASGI middleware sends
one small datagram there at each of these moments; everywhere else nothing is added to the app.

    started PID TIME                     the worker's lifespan start-up is complete
    reached ID PID TIME                  the request reached the app in this worker
    began   ID PID TIME THREAD           its handler began, in this thread
    ended   ID PID TIME                  its handler ended
    replied ID PID TIME STATUS           its reply is complete, just before the last byte is sent
    raised  ID PID TIME ERROR            the app raised this exception

TIME is `time.monotonic()` in seconds. On Linux and macOS this clock is the same one for all
processes of a machine, so times from different workers and from the client may be compared.
A datagram never blocks and never raises: the server must not notice that it is being watched.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

REPORT_TO = "WORKERLAB_REPORT_TO"
REQUEST_ID_HEADER = "x-workerlab-id"

_request_id: ContextVar[str | None] = ContextVar("workerlab_request_id", default=None)
_socket: socket.socket | None = None


def report_requests(app: Any) -> None:
    """Add the reporting middleware to a FastAPI or Starlette app, if the kit is listening."""
    port = os.environ.get(REPORT_TO, "")
    if port.isdecimal() and 0 < int(port) < 65536:
        report_to(int(port))
        app.add_middleware(ReportingMiddleware)


def report_to(port: int) -> None:
    """Have this process report to a UDP port of 127.0.0.1."""
    global _socket
    if _socket is None:
        _socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        _socket.setblocking(False)
    # Connected, so that the system need not find the way for each datagram.
    _socket.connect(("127.0.0.1", port))


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
    if _socket is None or request_id is None:
        return
    try:
        _socket.send(f"{moment} {request_id} {os.getpid()} {when} {detail}".encode())
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
