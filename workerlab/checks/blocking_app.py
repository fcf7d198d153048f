"""An app which blocks its worker, and notes when: served by several workers in exercise 04.

`/slow?seconds=1` blocks for a second and replies as `/slow` of app.main does. Each handler's
beginning and end go as lines `began|ended PORT PID TIME` (PORT is the client's, TIME monotonic
seconds) to the file `handlers` in the folder which $WORKERLAB_NOTES names, if it is set.

The reader's code runs in a process of its own, and what the workers report goes to the process
that started them. So that `burst(after="began")` works there, that process makes a pipe in the
folder (`report_to_me`), and the workers report to it from the next request on.
"""

import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import workerlab.checks.uvicorn_parts  # noqa: F401
from workerlab import probe

NOTES = "WORKERLAB_NOTES"
CALLER = "report-to"
LONGEST = 5.0  # seconds
_follows = False


def report_to_me() -> None:
    """Have the workers report to this process, as they do to the notebook which started them."""
    from workerlab.reports import reports

    reports.listen(Path(os.environ[NOTES], CALLER))


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for done in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{done}.complete"})
        return
    if scope["type"] != "http":
        return
    await receive()
    reply = {"message": "Quick", "worker_pid": os.getpid()}
    if scope["path"] == "/slow":
        reply |= _block(scope)
    body = json.dumps(reply).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _block(scope: Any) -> dict[str, Any]:
    query = parse_qs(scope["query_string"].decode())
    port = scope["client"][1]
    _note("began", port)
    with probe.timed() as timing:
        time.sleep(min(float(query.get("seconds", ["1"])[0]), LONGEST))
    _note("ended", port)
    return {"message": "Slow, and blocking the loop", **timing}


def _note(moment: str, port: int) -> None:
    if NOTES not in os.environ:
        return
    # One write to the end of a file: the workers' lines do not mix.
    with open(Path(os.environ[NOTES], "handlers"), "ab", buffering=0) as file:
        file.write(f"{moment} {port} {os.getpid()} {time.monotonic()}\n".encode())


def follow_the_caller() -> None:
    """From when on a process has called `report_to_me`, report to that one."""
    global _follows
    if not _follows and NOTES in os.environ:
        _follows = probe.report_to(os.path.join(os.environ[NOTES], CALLER))


_reporting = probe.ReportingMiddleware(_answer)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        follow_the_caller()
    await _reporting(scope, receive, send)


probe.follow_environment()
