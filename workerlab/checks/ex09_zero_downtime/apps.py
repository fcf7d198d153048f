"""The apps that tasks 1 and 3 serve; both say in the log what they have come to.

At the end of its lifespan, `tidy` looks whether the first process of the session, which ran the
script, is still there. What `made` makes replies with its version; it takes so many seconds, and a
request to `/held` ends some time after the next version has been made.
"""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

from workerlab.server.processes import is_alive

TIDY, ABANDONED = "tidied up", "the process of start.sh has gone"
READY, HELD = "version {} is ready", "a request is held"
MADE = "made-{}"  # a file in the folder
TIDYING, HELD_ON = 0.5, 2.0  # seconds


async def tidy(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.sleep(TIDYING)
        print(TIDY if is_alive(os.getsid(0)) else f"{ABANDONED}\n{TIDY}", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await _reply(send, {})


def made(version: int, seconds: float, folder: str) -> Any:
    time.sleep(seconds)
    Path(folder, MADE.format(version)).touch()
    following = Path(folder, MADE.format(version + 1))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            print(READY.format(version), flush=True)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/held":
            print(HELD, flush=True)
            while not following.exists():  # noqa: ASYNC110, ASYNC240
                await asyncio.sleep(0.02)
            await asyncio.sleep(HELD_ON)
        await _reply(send, {"version": version})

    return app


async def _reply(send: Any, body: dict[str, int]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
