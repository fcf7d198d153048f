"""The app in the reader's cell, watched from within its own server: `cell.app` of this folder.

On the reader's event loop, beside whatever the app serves, `/health` answers at once, and
`/watched` reports what was seen:

- `requests`: when each reached the app, when its reply was complete and when the app was done with
  it (`time.monotonic()`, in seconds)
- `looks` at the loop's thread while requests were in progress; how many of them found it `held` by
  the cell's code, and how many of those `joined`: waiting for another thread or process
- from the first request on, the `longest` time in which the loop did not move on, the most CPU time
  that its thread `computed` meanwhile, and that thread's CPU time in all, `cpu` (seconds)
- `left`: whether the app has left work behind

A busy machine makes the looks fewer, and leaves their proportions as they are. Only a short
computation on the loop may last long enough there to be found holding it.
"""

import asyncio
import json
import sys
import threading
import time
from types import FrameType
from typing import Any

from fastapi.concurrency import run_in_threadpool

from workerlab.checks.import_cell import import_cell

PAUSE = 0.01  # seconds from one look to the next
LONG = 5  # looks; a shorter stay in the cell's code does not hold the loop
LEFT = 0.3  # seconds from the reply to the end of a handler that has left work behind
# A file with one of these is where a thread waits for another, or for a process.
JOINING = ("threading.py", "concurrent/futures/_base.py", "multiprocessing/")
# What a thread of a pool is in when it has nothing to do.
IDLE = ("_worker", "wait", "get")

cell = import_cell("app")
FILE = cell.__file__

requests: list[dict[str, Any]] = []
seen = {"looks": 0, "held": 0, "joined": 0, "longest": 0.0, "computed": 0.0, "cpu": 0.0}
_beats = 0
_tasks: set[asyncio.Task] = set()
_threads: set[int | None] = set()


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _begin()
        await cell.app(scope, receive, send)
    elif scope["type"] == "http" and scope["path"] == "/health":
        await _answer(send, {"status": "ok"})
    elif scope["type"] == "http" and scope["path"] == "/watched":
        await _answer(send, {"requests": requests, "left": _is_work_left(), **seen})
    else:
        await _recorded(scope, receive, send)


async def _recorded(scope: Any, receive: Any, send: Any) -> None:
    request = {"reached": time.monotonic(), "replied": None, "done": None}
    requests.append(request)

    async def recording_send(message: Any) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            request["replied"] = time.monotonic()
        await send(message)

    try:
        await cell.app(scope, receive, recording_send)
    finally:
        request["done"] = time.monotonic()


async def _begin() -> None:
    _tasks.add(asyncio.ensure_future(_beat()))
    watcher = threading.Thread(target=_watch, args=[threading.get_ident()], daemon=True)
    watcher.start()
    _tasks.update(asyncio.all_tasks())
    _threads.update(thread.ident for thread in threading.enumerate())
    # The first call of the pool imports a good deal, on the loop.
    await run_in_threadpool(int)


async def _beat() -> None:
    """Move on whenever the loop does, and note how long it did not, and what that took it."""
    global _beats
    last, last_cpu = time.monotonic(), time.thread_time()
    while True:
        _beats += 1
        await asyncio.sleep(PAUSE)
        now, cpu = time.monotonic(), time.thread_time()
        if requests:
            seen["longest"] = max(seen["longest"], now - last)
            seen["computed"] = max(seen["computed"], cpu - last_cpu)
            seen["cpu"] += cpu - last_cpu
        last, last_cpu = now, cpu


def _watch(loop_thread: int) -> None:
    """Count the looks at the loop's thread, and those at long stays in the cell's code."""
    beats = stay = held = joined = 0
    while True:
        time.sleep(PAUSE)
        if all(request["replied"] for request in requests):
            continue
        seen["looks"] += 1
        files = _files_above(sys._current_frames().get(loop_thread))
        if _beats != beats or files is None:
            beats, stay, held, joined = _beats, 0, 0, 0
            continue
        stay, held = stay + 1, held + 1
        joined += any(part in file for file in files for part in JOINING)
        if stay >= LONG:
            seen["held"] += held
            seen["joined"] += joined
            held = joined = 0


def _files_above(frame: FrameType | None) -> list[str] | None:
    """The files of the frames that the cell's code has called; None: it is not running."""
    files = []
    while frame is not None:
        files.append(frame.f_code.co_filename)
        if files[-1] == FILE:
            return files
        frame = frame.f_back
    return None


def _is_work_left() -> bool:
    if any(r["done"] is None or r["done"] - (r["replied"] or 0) > LEFT for r in requests):
        return True
    tasks = asyncio.all_tasks() - _tasks - {asyncio.current_task()}
    if any(getattr(task.get_coro(), "__name__", "") != "run_asgi" for task in tasks):
        return True
    frames = sys._current_frames()
    threads = [t for t in threading.enumerate() if t.ident not in _threads and t.ident in frames]
    return any(frames[t.ident].f_code.co_name not in IDLE for t in threads)


async def _answer(send: Any, value: Any) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
