"""The app in the reader's cell as its workers serve it, in exercise 05, task 2.

Each request is reported to the check as it reaches the app and when its reply is complete: a
datagram with a JSON object `moment`, `pid`, `port` (the client's), `path`, `status`, `time`
(monotonic seconds), to the port of 127.0.0.1 which $WORKERLAB_EIGHT names. To the reader's client,
a handler begins when its request reaches the app, so `burst(after="began")` works there.

`GET /workerlab/together` is the check's own question: the worker that gets it runs /work several
times at once, and answers with the `seconds` that this took.
"""

import asyncio
import json
import os
import socket
import time
from typing import Any

from workerlab import probe
from workerlab.checks.blocking_app import follow_the_caller

WATCH = "WORKERLAB_EIGHT"
TOGETHER = "/workerlab/together"
# With so many at once in each worker, eight requests take two rounds even if one worker has all.
AT_ONCE = 4
_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def app_around(its_app: Any) -> Any:
    """The reader's app, with the reports around it."""

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await its_app(scope, receive, send)
            return
        if scope["path"] == TOGETHER:
            await _answer(send, {"seconds": await _run_together(its_app, scope)})
            return
        follow_the_caller()
        status = 0

        async def watched_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                _report("replied", scope, status)
            await send(message)

        _report("reached", scope)
        try:
            with probe.timed():
                await its_app(scope, receive, watched_send)
        finally:
            _report("done", scope, status)

    return probe.ReportingMiddleware(watched)


async def _run_together(its_app: Any, scope: Any) -> float:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        pass

    def work() -> Any:
        return its_app({**scope, "path": "/work", "raw_path": b"/work"}, receive, send)

    began = time.monotonic()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return time.monotonic() - began


async def _answer(send: Any, answer: dict[str, float]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def _report(moment: str, scope: Any, status: int = 0) -> None:
    told = {
        "moment": moment,
        "pid": os.getpid(),
        "port": scope["client"][1],
        "path": scope["path"],
        "status": status,
        "time": time.monotonic(),
    }
    _socket.sendto(json.dumps(told).encode(), ("127.0.0.1", int(os.environ[WATCH])))


probe.follow_environment()
