"""An app whose handlers count: those that run at once end at once, a time after the last began.

So on a busy machine too, where requests arrive one by one, none ends before the others are there.
`/work` waits without blocking; `/wait` is a plain `def` in the thread pool, whose size is set from
$THREADS. Both take `seconds`, counted from when the last of those that run at once began, and their
replies say when they `began` and `ended`, in which `thread`, and the `worker_pid`.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from app.main import Seconds, lifespan
from workerlab.probe import timed


class Together:
    """Handlers that run at once; `end` is when all of them end, in monotonic seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: list[float] = [0.0]

    def until(self, seconds: float) -> list[float]:
        """When a handler that begins now has to end: a moment that later ones put off."""
        with self._lock:
            now = time.monotonic()
            if now >= self._end[0]:
                self._end = [0.0]
            self._end[0] = max(self._end[0], now + seconds)
            return self._end


def make_app(lifespan: Callable[..., Any]) -> FastAPI:
    """The app, with this lifespan."""
    app = FastAPI(lifespan=lifespan)
    awaiting, pooled = Together(), Together()

    @app.get("/work")
    async def work(seconds: Seconds = 0.3) -> dict[str, Any]:
        with timed() as timing:
            end = awaiting.until(seconds)
            # Others that begin meanwhile put off the end.
            while (left := end[0] - time.monotonic()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(left)
        return {"worker_pid": os.getpid(), **timing}

    # With a response model, FastAPI would check the result in the pool too, in a second turn.
    @app.get("/wait", response_model=None)
    def wait(seconds: Seconds = 0.3) -> dict[str, Any]:
        with timed() as timing:
            end = pooled.until(seconds)
            while (left := end[0] - time.monotonic()) > 0:
                time.sleep(left)
        return {"worker_pid": os.getpid(), **timing}

    return app


app = make_app(lifespan)
