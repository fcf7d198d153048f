"""The application that every lesson serves.

    gunicorn app.main:app -c app/gunicorn_conf.py      from the root of the repository
    gunicorn main:app -c gunicorn_conf.py              from this folder

`/`, `/slow` and `/health` are those of the usual article. The others do the work of `/slow` in
other ways, or compute instead. A timed reply includes when its handler began and ended, on the
monotonic clock in seconds, and the thread it ran in, so a picture can tell waiting from running.

The lessons print some of these handlers above a question. That's why the docstrings say what a
handler does and never what follows from it.
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
    """Set the size of this worker's thread pool to $THREADS, if that is set."""
    limiter = current_default_thread_limiter()
    if "THREADS" in os.environ:
        limiter.total_tokens = threads_from(os.environ["THREADS"])
    yield


def threads_from(text: str) -> int:
    """The number of threads in `text`. Raises ValueError unless it is from 1 to 1000."""
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
    """Sleep with `time.sleep`, in `async def`."""
    with timed() as timing:
        time.sleep(seconds)
    return {"message": f"This took {seconds:g} seconds", "worker_pid": os.getpid(), **timing}


@app.get("/slow-await")
async def slow_await(seconds: Seconds = 5) -> dict[str, Any]:
    """Sleep with `asyncio.sleep`, in `async def`."""
    with timed() as timing:
        await asyncio.sleep(seconds)
    return {"message": f"This took {seconds:g} seconds", "worker_pid": os.getpid(), **timing}


# Without response_model=None, FastAPI would give the reply back to the pool, to check it there.
@app.get("/slow-def", response_model=None)
def slow_def(seconds: Seconds = 5) -> dict[str, Any]:
    """Sleep with `time.sleep`, in plain `def`."""
    with timed() as timing:
        time.sleep(seconds)
    return {"message": f"This took {seconds:g} seconds", "worker_pid": os.getpid(), **timing}


@app.get("/slow-to-thread")
async def slow_to_thread(seconds: Seconds = 5) -> dict[str, Any]:
    """Sleep with `time.sleep`, in a thread that an `async def` handler awaits."""
    with timed() as timing:
        await run_in_threadpool(time.sleep, seconds)
    return {"message": f"This took {seconds:g} seconds", "worker_pid": os.getpid(), **timing}


@app.get("/cpu")
async def cpu(seconds: Seconds = 1) -> dict[str, Any]:
    """Compute, in `async def`."""
    with timed() as timing:
        compute(seconds)
    return {"message": f"Computed for {seconds:g} s", "worker_pid": os.getpid(), **timing}


@app.get("/cpu-def", response_model=None)
def cpu_def(seconds: Seconds = 1) -> dict[str, Any]:
    """Compute, in plain `def`."""
    with timed() as timing:
        compute(seconds)
    return {"message": f"Computed for {seconds:g} s", "worker_pid": os.getpid(), **timing}


def compute(seconds: float) -> None:
    """Use `seconds` of CPU time in this thread, however long that takes by the clock."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))
