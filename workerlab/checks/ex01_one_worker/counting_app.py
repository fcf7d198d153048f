"""An app which counts how many requests are under way at once, whoever sends them.

`/work` takes 0.4 s without blocking. `/count` answers with `arrived`, the largest number `peak` at
one moment, `abandoned`, those whose client hung up before its reply, and `elsewhere`, the requests
to other paths than these and `/health`.
"""

import asyncio
import json
from typing import Any

SECONDS = 0.4
count = {"arrived": 0, "peak": 0, "abandoned": 0, "elsewhere": 0}
_under_way = 0


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await receive()
    if scope["path"] == "/work":
        await _work(receive)
    elif scope["path"] not in ("/count", "/health"):
        count["elsewhere"] += 1
    body = json.dumps(count).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _work(receive: Any) -> None:
    global _under_way
    _under_way += 1
    count["arrived"] += 1
    count["peak"] = max(count["peak"], _under_way)
    hung_up = asyncio.ensure_future(receive())
    done, _ = await asyncio.wait({hung_up}, timeout=SECONDS)
    if done:
        count["abandoned"] += 1
    hung_up.cancel()
    _under_way -= 1
