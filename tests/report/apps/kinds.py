"""Handlers of every kind that the report tells apart; the name of each says which."""

import asyncio
import re
import time

from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import StreamingResponse

EXPECTED = {
    "GET /awaits": "awaits",
    "GET /blocks": "blocks the loop",
    "GET /computes": "computes on the loop",
    "GET /thread": "waits in a thread",
    "GET /computes-in-thread": "computes in a thread",
    "GET /streams": "awaits",
    "GET /streams-and-blocks": "blocks the loop",
    "GET /dependency-blocks": "blocks the loop",
    "GET /dependency-in-thread": "waits in a thread",
    "GET /short": "answers at once",
    "GET /big-json": "computes on the loop",
    "GET /keeps-the-gil": "keeps the GIL in a thread",
    "GET /background-blocks": "blocks the loop",
}
DONE_IN = {
    "GET /computes": "compute",
    "GET /computes-in-thread": "compute",
    "GET /streams-and-blocks": "parts",
    "GET /dependency-blocks": "blocking_dependency",
    "GET /dependency-in-thread": "waiting_dependency",
    "GET /big-json": "",
    "GET /background-blocks": "work",
}
app = FastAPI()
ROWS = [{"id": number, "name": f"n{number}", "share": number / 3} for number in range(20_000)]


def compute(seconds: float) -> int:
    end, total = time.thread_time() + seconds, 0
    while time.thread_time() < end:
        total += sum(range(500))
    return total


@app.get("/awaits")
async def awaits() -> int:
    await asyncio.sleep(0.2)
    return 1


@app.get("/blocks")
async def blocks() -> int:
    time.sleep(0.2)
    return 1


@app.get("/computes")
async def computes() -> int:
    return compute(0.2)


@app.get("/thread")
def thread() -> int:
    time.sleep(0.2)
    return 1


@app.get("/computes-in-thread")
def computes_in_thread() -> int:
    return compute(0.2)


@app.get("/streams")
async def streams() -> StreamingResponse:
    async def parts():
        for _ in range(10):
            await asyncio.sleep(0.02)
            yield "x"

    return StreamingResponse(parts())


@app.get("/streams-and-blocks")
async def streams_and_blocks() -> StreamingResponse:
    async def parts():
        for _ in range(10):
            time.sleep(0.02)
            yield "x"

    return StreamingResponse(parts())


async def blocking_dependency():
    time.sleep(0.1)
    yield 1
    time.sleep(0.1)


@app.get("/dependency-blocks")
async def dependency_blocks(one: int = Depends(blocking_dependency)) -> int:
    return one


def waiting_dependency() -> int:
    time.sleep(0.2)
    return 1


@app.get("/dependency-in-thread")
async def dependency_in_thread(one: int = Depends(waiting_dependency)) -> int:
    return one


@app.get("/short")
async def short() -> int:
    return 1


@app.get("/big-json")
def big_json():
    return ROWS


@app.get("/keeps-the-gil")
def keeps_the_gil() -> int:
    re.match(r"(a+)+$", "a" * 22 + "b")
    return 1


@app.get("/background-blocks")
async def background_blocks(tasks: BackgroundTasks) -> int:
    async def work() -> None:
        time.sleep(0.2)

    tasks.add_task(work)
    return 1
