"""Middleware that blocks, tasks after the reply, other programs."""

import asyncio
import subprocess
import time

from fastapi import BackgroundTasks, FastAPI, Request
from starlette.middleware.base import BaseHTTPMiddleware

EXPECTED = {
    "GET /audited/quick": "blocks the loop",
    "GET /audited/waits": "blocks the loop",
    "GET /audited/thread": "blocks the loop",
    "GET /quick": "answers at once",
    "GET /waits": "awaits",
    "GET /program": "blocks the loop",
    "GET /program-in-a-thread": "waits in a thread",
    "GET /after-in-a-thread": "waits in a thread",
    "GET /after-awaits": "awaits",
    "GET /after-computes": "computes on the loop",
    "GET /blocks-briefly": "blocks the loop",
    "GET /blocks-in-pieces": "blocks the loop",
    "GET /blocks-in-a-task": "blocks the loop",
    "GET /turns": "computes on the loop",
}
DONE_IN = {
    "GET /audited/quick": "dispatch",
    "GET /audited/waits": "dispatch",
    "GET /audited/thread": "dispatch",
    "GET /after-in-a-thread": "write_letter",
    "GET /after-computes": "count_letters",
    "GET /blocks-in-a-task": "blocking_part",
}


class Audit(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next):
        if request.url.path.startswith("/audited"):
            time.sleep(0.08)
        return await call_next(request)


app = FastAPI()
app.add_middleware(Audit)


@app.get("/audited/quick")
async def audited_quick() -> int:
    return 1


@app.get("/audited/waits")
async def audited_waits() -> int:
    await asyncio.sleep(0.1)
    return 1


@app.get("/audited/thread")
def audited_thread() -> int:
    time.sleep(0.1)
    return 1


@app.get("/quick")
def quick() -> int:
    return 1


@app.get("/waits")
async def waits() -> int:
    await asyncio.sleep(0.05)
    return 1


@app.get("/program")
async def program() -> int:
    return subprocess.run(["sleep", "0.15"]).returncode  # noqa: ASYNC221


@app.get("/program-in-a-thread")
def program_in_a_thread() -> int:
    return subprocess.run(["sleep", "0.15"], capture_output=True).returncode


def write_letter() -> None:
    time.sleep(0.1)


async def wait_for_letter() -> None:
    await asyncio.sleep(0.1)


async def count_letters() -> None:
    end = time.thread_time() + 0.08
    while time.thread_time() < end:
        sum(range(200))


@app.get("/after-in-a-thread")
async def after_in_a_thread(tasks: BackgroundTasks) -> int:
    tasks.add_task(write_letter)
    return 1


@app.get("/after-awaits")
async def after_awaits(tasks: BackgroundTasks) -> int:
    tasks.add_task(wait_for_letter)
    return 1


@app.get("/after-computes")
async def after_computes(tasks: BackgroundTasks) -> int:
    tasks.add_task(count_letters)
    return 1


@app.get("/blocks-briefly")
async def blocks_briefly() -> int:
    time.sleep(0.03)
    return 1


@app.get("/blocks-in-pieces")
async def blocks_in_pieces() -> int:
    for _ in range(6):
        time.sleep(0.03)
        await asyncio.sleep(0.01)
    return 1


@app.get("/blocks-in-a-task")
async def blocks_in_a_task() -> int:
    async def blocking_part() -> None:
        await asyncio.sleep(0.02)
        time.sleep(0.08)

    await asyncio.gather(blocking_part(), asyncio.sleep(0.15))
    return 1


@app.get("/turns")
async def turns() -> int:
    for _ in range(4):
        sum(number % 3 for number in range(1_000_000))
        await asyncio.sleep(0)
    return 1
