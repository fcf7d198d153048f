"""An app whose plain `def` endpoint counts its handlers; $THREADS sets the size of its pool.

`/slow-def` replies as that of app.main does. `/count` answers with the number of handlers that
have begun, `begun`, the largest number at one moment since it was last asked, `peak`, and the
pool's `tokens`.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from app.main import Seconds, lifespan
from workerlab.probe import timed

app = FastAPI(lifespan=lifespan)
_count = {"begun": 0, "peak": 0, "under_way": 0}
_lock = threading.Lock()


@app.get("/slow-def", response_model=None)
def slow_def(seconds: Seconds = 5) -> dict[str, Any]:
    with _counted(), timed() as timing:
        time.sleep(seconds)
    return {"message": "Slow, in the thread pool", "worker_pid": os.getpid(), **timing}


@app.get("/count", response_model=None)
async def count() -> dict[str, int]:
    with _lock:
        counted = {**_count, "tokens": int(current_default_thread_limiter().total_tokens)}
        _count["peak"] = _count["under_way"]
    return counted


@contextmanager
def _counted() -> Iterator[None]:
    with _lock:
        _count["begun"] += 1
        _count["under_way"] += 1
        _count["peak"] = max(_count["peak"], _count["under_way"])
    try:
        yield
    finally:
        with _lock:
            _count["under_way"] -= 1
