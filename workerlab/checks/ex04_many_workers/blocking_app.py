"""An app that blocks its worker: `/slow?seconds=1` for a second; other paths reply at once.

Every reply names the `worker_pid`. What Uvicorn imports when it begins to serve is imported here,
so that Gunicorn's --preload does it once and not in each worker.
"""

import json
import os
import time
from typing import Any
from urllib.parse import parse_qs

import uvicorn.lifespan.on
import uvicorn.loops.auto
import uvicorn.protocols.http.auto
import uvicorn.protocols.websockets.auto  # noqa: F401

from workerlab.probe import timed


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for done in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{done}.complete"})
        return
    reply: dict[str, Any] = {"worker_pid": os.getpid()}
    if scope["path"] == "/slow":
        seconds = parse_qs(scope["query_string"].decode()).get("seconds", ["1"])[0]
        with timed() as timing:
            time.sleep(float(seconds))
        reply |= timing
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(reply).encode()})
