"""What the hosts of exercise 12 serve: an order that takes a while, and what the app sees of it.

Plain ASGI, since three hosts are started for one check.
"""

import asyncio
import json
import os
from typing import Any
from urllib.parse import parse_qs

NAME = "WORKERLAB_HOST"  # environment variable: what this host is called


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer any request after `?seconds=`, 0.1 unless given."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    query = parse_qs(scope["query_string"].decode())
    await asyncio.sleep(float(query.get("seconds", ["0.1"])[0]))
    site = dict(scope["headers"]).get(b"host", b"").decode()
    reply = {
        "host": os.environ[NAME],
        "client": scope["client"][0],
        "scheme": scope["scheme"],
        "site": site,
    }
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(reply).encode()})
