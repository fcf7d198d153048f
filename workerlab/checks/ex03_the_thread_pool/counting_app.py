"""An app whose plain `def` endpoint counts its handlers; $THREADS sets the size of its pool.

`/slow-def` replies as that of app.main does, but handlers that run at once end at once: `seconds`
after the last of them began. So on a busy machine too, where requests arrive one by one, none
ends before the pool is full. `/count` answers with the number of handlers that have begun,
`begun`, the largest number at one moment since it was last asked, `peak`, and the pool's `tokens`.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from app.main import Seconds, lifespan
from workerlab.probe import timed


@dataclass
class Together:
    """Handlers that run at once; `end` is when all of them end, in monotonic seconds."""

    end: float = 0.0


app = FastAPI(lifespan=lifespan)
_running = Together()
_count = {"begun": 0, "peak": 0, "under_way": 0}
_lock = threading.Lock()


@app.get("/slow-def", response_model=None)
def slow_def(seconds: Seconds = 5) -> dict[str, Any]:
    with _counted(), timed() as timing:
        _wait_together(seconds)
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


def _wait_together(seconds: float) -> None:
    global _running
    with _lock:
        now = time.monotonic()
        if now >= _running.end:
            _running = Together()
        together = _running
        together.end = max(together.end, now + seconds)
    while (left := together.end - time.monotonic()) > 0:
        time.sleep(left)
