"""The application which every lesson serves.

    gunicorn app.main:app -c app/gunicorn_conf.py      from the root of the repository
    gunicorn main:app -c gunicorn_conf.py              from this folder

`/slow` blocks the event loop, as the usual article has it; its siblings do the same work in other
ways. Every timed reply says when its handler began and ended, on the monotonic clock in seconds,
and in which thread: so a picture can tell waiting from running.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Query
from fastapi.concurrency import run_in_threadpool

from workerlab.probe import report_requests, timed

Seconds = Annotated[float, Query(ge=0, le=30, allow_inf_nan=False)]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Set the size of this worker's thread pool from $THREADS, if that is set."""
    limiter = current_default_thread_limiter()
    if "THREADS" in os.environ:
        limiter.total_tokens = threads_from(os.environ["THREADS"])
    yield


def threads_from(text: str) -> int:
    """The number of threads that `text` asks for; ValueError if it is not from 1 to 1000."""
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise ValueError(f"THREADS must be a whole number from 1 to 1000, not {text!r}")
    return int(text)


app = FastAPI(title="From one worker to many", lifespan=lifespan)
report_requests(app)


@app.get("/")
async def root() -> dict[str, Any]:
    return {"message": "Hello from FastAPI!", "worker_pid": os.getpid()}


@app.get("/health")
async def health() -> dict[str, Any]:
    return {"status": "healthy", "worker_pid": os.getpid()}


@app.get("/slow")
async def slow(seconds: Seconds = 5) -> dict[str, Any]:
    """Block the event loop: `time.sleep` inside `async def`."""
    with timed() as timing:
        time.sleep(seconds)
    return {"message": "Slow, and blocking the loop", "worker_pid": os.getpid(), **timing}


@app.get("/slow-await")
async def slow_await(seconds: Seconds = 5) -> dict[str, Any]:
    """Wait without blocking: `await` hands the event loop to the other requests."""
    with timed() as timing:
        await asyncio.sleep(seconds)
    return {"message": "Slow, and awaiting", "worker_pid": os.getpid(), **timing}


@app.get("/slow-def", response_model=None)
def slow_def(seconds: Seconds = 5) -> dict[str, Any]:
    """Block a thread of the pool: FastAPI runs a plain `def` handler there.

    With a response model, FastAPI would check the result in the pool too, in a second turn.
    """
    with timed() as timing:
        time.sleep(seconds)
    return {"message": "Slow, in the thread pool", "worker_pid": os.getpid(), **timing}


@app.get("/slow-to-thread")
async def slow_to_thread(seconds: Seconds = 5) -> dict[str, Any]:
    """Send only the blocking call to the thread pool, and await it."""
    with timed() as timing:
        await run_in_threadpool(time.sleep, seconds)
    return {"message": "Slow, in a thread", "worker_pid": os.getpid(), **timing}


@app.get("/cpu")
async def cpu(seconds: Seconds = 1) -> dict[str, Any]:
    """Compute on the event loop."""
    with timed() as timing:
        compute(seconds)
    return {"message": "Computed on the loop", "worker_pid": os.getpid(), **timing}


@app.get("/cpu-def", response_model=None)
def cpu_def(seconds: Seconds = 1) -> dict[str, Any]:
    """Compute in a thread of the pool."""
    with timed() as timing:
        compute(seconds)
    return {"message": "Computed in the thread pool", "worker_pid": os.getpid(), **timing}


def compute(seconds: float) -> None:
    """Use `seconds` of CPU time in this thread, however long that takes by the clock."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))
