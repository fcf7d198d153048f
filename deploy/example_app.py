"""The app that every file of this folder serves: FastAPI alone, nothing of the course.

gunicorn example_app:app -c ../app/gunicorn_conf.py        from this folder
"""

import asyncio
import os
import socket
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

app = FastAPI(title="Example")

# Lesson 10: what workers share lives outside them. Connects when it is first used.
store = Valkey.from_url(
    os.environ.get("VALKEY_URL", "valkey://127.0.0.1:6379"),
    socket_connect_timeout=1,
    socket_timeout=1,
)


@app.get("/")
async def root(request: Request) -> dict[str, Any]:
    """Who answered, and whom the app takes for its client (lesson 12)."""
    return {
        "host": socket.gethostname(),
        "worker_pid": os.getpid(),
        "client": request.client.host if request.client else None,
        "scheme": request.url.scheme,
    }


@app.get("/health")
async def health() -> dict[str, str]:
    """Alive? Only a stuck event loop keeps a worker from answering (lesson 02); restart it."""
    return {"status": "alive"}


@app.get("/ready")
def ready() -> dict[str, str]:
    """Able to take more? A plain `def` waits for the thread pool, so a full pool fails this check.

    Lesson 03 measures the wait. It doesn't ask the store: if that is down, taking every instance
    out of the balancer would turn one broken endpoint into a broken site.
    """
    return {"status": "ready"}


@app.get("/slow")
async def slow(seconds: Annotated[float, Query(ge=0, le=20)] = 1) -> dict[str, Any]:
    """Wait. The bound is below every grace period here, so a stop never cuts it off (lesson 09)."""
    await asyncio.sleep(seconds)
    return {"slept": seconds, "worker_pid": os.getpid()}


@app.post("/count")
async def count() -> dict[str, int]:
    """One counter for all workers of all instances (lesson 10)."""
    try:
        return {"count": await store.incr("count")}
    except ValkeyError as error:
        raise HTTPException(503, "the store doesn't answer") from error
