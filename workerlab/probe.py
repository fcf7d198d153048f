"""What a server process tells the kit about each request: the view from inside.

A request that dies sends no reply, so the client alone cannot say how far it came. Where the
environment variable `WORKERLAB_REPORT_TO` names a pipe (see mkfifo(7)), or several, an ASGI
middleware writes one line there at each of these moments; everywhere else nothing is added to the
app. It gets there by `report_requests` in the app itself, or is put around any app by
`Server(..., probe=True)`.

    started PID TIME                     the worker's lifespan start-up is complete
    reached ID PID TIME PATH             the request reached the app in this worker
    began   ID PID TIME THREAD           its handler began, in this thread
    ended   ID PID TIME                  its handler ended
    replied ID PID TIME STATUS           its reply is complete, just before the last byte is sent
    raised  ID PID TIME ERROR            the app raised this exception

TIME is `time.monotonic()` in seconds. On Linux and macOS this clock is the same one for all
processes of a machine, so times from different workers and from the client may be compared.
Writing never blocks and never raises: the server must not notice that it is being watched. A line
is short enough to be written in one piece, so those of several workers do not mix (pipe(7)).

ID is what the kit's client puts into a header. Where `WORKERLAB_OBSERVE` is set, the requests of
all clients are reported, the kit's once more, with an ID made of its value and the client's port.
The probe answers PATH itself, from outside the app, so that the kit knows whether it is there.

Standard library only, and nothing newer than Python 3.8: it runs in the environment of the app.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

REPORT_TO = "WORKERLAB_REPORT_TO"
OBSERVE = "WORKERLAB_OBSERVE"
REQUEST_ID_HEADER = "x-workerlab-id"
READINESS = "readiness"  # the ID of a request by which the kit asks whether a server answers
PATH = "/workerlab-probe"
MOST_OF_A_PATH = 500  # characters; a whole line must fit into what is written in one piece
IS_REPORTED = "workerlab.is_reported"  # in the scope of a request: some probe is around it already

# Looked up once: whoever watches should cost the server little.
_HEADER = REQUEST_ID_HEADER.encode()
_OBSERVED = os.environ.get(OBSERVE)
_request_ids: ContextVar[list[str] | None] = ContextVar("workerlab_request_ids", default=None)
_pipes: list[int] = []
_numbers = itertools.count(1)


def report_requests(app: Any) -> None:
    """Add the reporting middleware to a FastAPI or Starlette app, if the kit is listening."""
    if follow_environment():
        app.add_middleware(ReportingMiddleware)


def follow_environment() -> bool:
    """Report to the pipes named in the environment; return whether somebody reads there."""
    if not _pipes:
        for path in filter(None, os.environ.get(REPORT_TO, "").split(os.pathsep)):
            report_to(path)
    return bool(_pipes)


def report_to(path: str) -> bool:
    """Have this process report to the named pipe at `path`; False if nobody reads there."""
    try:
        _pipes.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


@contextmanager
def timed() -> Iterator[dict[str, Any]]:
    """Measure a handler: the dict it yields gets `began` and `ended` (monotonic seconds), `thread`.

    Use it around the work of a handler and put the dict into the reply.
    """
    request_ids = _request_ids.get() or []
    timing: dict[str, Any] = {"began": time.monotonic(), "thread": threading.current_thread().name}
    _send("began", request_ids, timing["began"], timing["thread"])
    try:
        yield timing
    finally:
        timing["ended"] = time.monotonic()
        _send("ended", request_ids, timing["ended"])


def _send(moment: str, request_ids: list[str], when: float, detail: object = "") -> None:
    for request_id in request_ids:
        line = f"{moment} {request_id} {os.getpid()} {when:.9f} {detail}\n".encode()
        for pipe in _pipes:
            try:
                os.write(pipe, line)
            except OSError:
                pass


class ReportingMiddleware:
    """Report the requests that have an ID; let everything else pass untouched."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["app"], name)  # a server may look for an attribute of the app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" and not scope.get(IS_REPORTED):
            scope[IS_REPORTED] = True
            await self.app(scope, receive, _report_startup(send))
            return
        if scope["type"] == "http" and scope["path"].endswith(PATH):
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        request_ids = _ids_of(scope)
        if not request_ids:
            await self.app(scope, receive, send)
            return
        scope[IS_REPORTED] = True

        status = 0

        async def reporting_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False):
                _send("replied", request_ids, time.monotonic(), status)
            await send(message)

        _request_ids.set(request_ids)
        _send("reached", request_ids, time.monotonic(), _path_of(scope))
        try:
            await self.app(scope, receive, reporting_send)
        except BaseException as error:
            _send("raised", request_ids, time.monotonic(), type(error).__name__)
            raise


def _report_startup(send: Any) -> Any:
    async def reporting_send(message: Any) -> None:
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            _send("started", ["-"], time.monotonic())

    return reporting_send


def _ids_of(scope: Any) -> list[str]:
    """What the request is reported as; nothing if it is not, or is by another probe already."""
    if scope["type"] != "http" or scope.get(IS_REPORTED):
        return []
    ids = [value.decode("latin-1") for key, value in scope.get("headers", ()) if key == _HEADER]
    if _OBSERVED is not None and READINESS not in ids:
        (_, port), pid = scope.get("client") or ("", 0), os.getpid()
        ids.append(f"{_OBSERVED}:{port}:{pid}-{next(_numbers)}")
    return ids


def _path_of(scope: Any) -> str:
    path, query = quote(scope["path"]), scope.get("query_string", b"").decode("latin-1")
    return (f"{path}?{quote(query, safe='=&%+')}" if query else path)[:MOST_OF_A_PATH]
