"""An app that starts quickly, for tests of how servers end: it sleeps as long as it is asked to."""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs

from workerlab.probe import ReportingMiddleware, follow_environment

REPLY = b"{}"
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(REPLY))]


async def sleepers(scope: Any, receive: Any, send: Any) -> None:
    """/slow?seconds=S blocks the event loop, /slow-await?seconds=S does not; others answer at once.

    As in the lessons' app, but without FastAPI, whose import takes most of such a server's start.
    """
    if scope["type"] == "lifespan":
        for moment in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{moment}.complete"})
        return
    seconds = float(parse_qs(scope["query_string"].decode()).get("seconds", ["0"])[0])
    if scope["path"] == "/slow":
        time.sleep(seconds)
    else:
        await asyncio.sleep(seconds)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": REPLY})


app = ReportingMiddleware(sleepers) if follow_environment() else sleepers
