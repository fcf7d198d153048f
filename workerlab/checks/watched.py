"""The app in the reader's cell, watched from within its own server: `cell.app` of this folder.

On the reader's event loop, beside whatever the app serves, `/health` answers at once, and
`/watched` tells what was seen: for every request when it reached the app, when its reply was
complete and when the app was done with it; for how long the cell's code held the loop; and whether
the app has left work behind. Times are `time.monotonic()` in seconds.
"""

import asyncio
import json
import os
import sys
import threading
import time
from importlib import import_module
from types import FrameType
from typing import Any

import fastapi  # noqa: F401

from workerlab.checks.patience import patience

PAUSE = 0.01  # seconds from one look to the next
HELD = 0.1  # seconds; a shorter stay does not count
# A file with one of these is where a thread waits for another, or for a process.
JOINING = ("threading.py", "concurrent/futures/_base.py", "multiprocessing/")
# What a thread of a pool is in when it has nothing to do.
IDLE = ("_worker", "wait", "get")

# Measured here, before the cell itself may keep this process busy.
READING_LIMIT = patience(3.5)  # seconds
NOT_READ = "the cell does not come to its end"
# The kit then waits no longer, even if children that the cell has started are still there.
FAILED = "startup failed"


def _give_up() -> None:
    if not _is_read.wait(READING_LIMIT):
        print(NOT_READ, FAILED, sep="\n", flush=True)
        os._exit(1)


# FastAPI is imported by now, so on a busy machine too the time that counts is the cell's own.
_is_read = threading.Event()
threading.Thread(target=_give_up, daemon=True).start()
try:
    cell = import_module("cell")
    its_app = cell.app
except BaseException:
    print(FAILED, flush=True)
    raise
_is_read.set()
FILE = cell.__file__

requests: list[dict[str, Any]] = []
seen = {"held": 0.0, "joined": 0.0, "longest": 0.0}
_beats = 0
_tasks: set[asyncio.Task] = set()
_threads: set[int | None] = set()


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        _begin()
        await its_app(scope, receive, send)
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
        await its_app(scope, receive, recording_send)
    finally:
        request["done"] = time.monotonic()


def _begin() -> None:
    _tasks.add(asyncio.ensure_future(_beat()))
    watcher = threading.Thread(target=_watch, args=[threading.get_ident()], daemon=True)
    watcher.start()
    _tasks.update(asyncio.all_tasks())
    _threads.update(thread.ident for thread in threading.enumerate())


async def _beat() -> None:
    """Move on whenever the loop does, and note the longest time in which it did not."""
    global _beats
    last = time.monotonic()
    while True:
        _beats += 1
        await asyncio.sleep(PAUSE)
        now = time.monotonic()
        seen["longest"] = max(seen["longest"], now - last)
        last = now


def _watch(loop_thread: int) -> None:
    """Add up for how long the loop's thread stayed in the cell's code without a beat."""
    beats, before = _beats, time.monotonic()
    stay = uncounted = joining = 0.0
    while True:
        time.sleep(PAUSE)
        now = time.monotonic()
        # On a busy machine the whole process waits now and then; that is not the cell's doing.
        step, before = min(now - before, 2 * PAUSE), now
        files = _files_above(sys._current_frames().get(loop_thread))
        if _beats != beats or files is None:
            beats, stay, uncounted, joining = _beats, 0.0, 0.0, 0.0
            continue
        stay += step
        joining += step * any(part in file for file in files for part in JOINING)
        uncounted += step
        if stay >= HELD:
            seen["held"] += uncounted
            seen["joined"] += joining
            uncounted = joining = 0.0


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
    if any(r["done"] is None or r["done"] - (r["replied"] or 0) > HELD for r in requests):
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
