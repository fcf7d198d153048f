"""Other ways to wait and to compute: sockets, processes, clients, pieces, loops in threads."""

import asyncio
import contextlib
import functools
import os
import pickle
import queue
import select
import socket
import time
from concurrent.futures import ProcessPoolExecutor

import anyio.from_thread
import anyio.to_thread
import httpx
from fastapi import Depends, FastAPI

EXPECTED = {
    "GET /select": "blocks the loop",
    "GET /socket": "blocks the loop",
    "GET /socket-in-a-thread": "waits in a thread",
    "GET /queue": "blocks the loop",
    "GET /client": "awaits",
    "GET /client-in-a-thread": "waits in a thread",
    "GET /process": "awaits",
    "GET /loop-in-a-thread": "waits in a thread",
    "GET /from-a-thread": "waits in a thread",
    "GET /limited": "waits in a thread",
    "GET /pieces": "computes on the loop",
    "GET /pickles": "computes on the loop",
    "GET /very-short-block": "blocks the loop",
    "GET /very-short-await": "awaits",
    "GET /cached": "answers at once",
    "GET /class": "waits in a thread",
    "GET /thread-then-blocks": "blocks the loop",
    "GET /computes-beside-an-await": "computes on the loop",
    "GET /many-awaits": "awaits",
}
DONE_IN = {
    "GET /select": "select_",
    "GET /socket": "receive",
    "GET /socket-in-a-thread": "receive",
    "GET /queue": "queue_",
    "GET /limited": "",
    "GET /class": "__init__",
    "GET /computes-beside-an-await": "squares",
}
SLOW_SERVER = os.environ.get("SLOW_SERVER", "")  # answers after 150 ms


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI):
    with ProcessPoolExecutor(1) as pool:
        app.state.pool = pool
        async with httpx.AsyncClient() as client:
            app.state.client = client
            yield


app = FastAPI(lifespan=lifespan)


@app.get("/select")
async def select_() -> int:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        select.select([ours], [], [], 0.1)
    return 1


def receive() -> int:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            ours.recv(1)
    return 1


@app.get("/socket")
async def socket_() -> int:
    return receive()


@app.get("/socket-in-a-thread")
def socket_in_a_thread() -> int:
    return receive()


@app.get("/queue")
async def queue_() -> int:
    with contextlib.suppress(queue.Empty):
        queue.SimpleQueue().get(timeout=0.07)
    return 1


@app.get("/client")
async def client() -> int:
    return len((await app.state.client.get(SLOW_SERVER)).content)


@app.get("/client-in-a-thread")
def client_in_a_thread() -> int:
    with httpx.Client(verify=False) as client:
        return len(client.get(SLOW_SERVER).content)


@app.get("/process")
async def process() -> int:
    await asyncio.get_running_loop().run_in_executor(app.state.pool, time.sleep, 0.15)
    return 1


@app.get("/loop-in-a-thread")
def loop_in_a_thread() -> int:
    asyncio.run(asyncio.sleep(0.12))
    return 1


@app.get("/from-a-thread")
def from_a_thread() -> int:
    anyio.from_thread.run(asyncio.sleep, 0.1)
    return 1


@app.get("/limited")
async def limited() -> int:
    await anyio.to_thread.run_sync(time.sleep, 0.1, limiter=anyio.CapacityLimiter(1))
    return 1


@app.get("/pieces")
async def pieces() -> int:
    for _ in range(100):
        end = time.thread_time() + 0.001
        while time.thread_time() < end:
            pass
        await asyncio.sleep(0)
    return 1


@app.get("/pickles")
async def pickles() -> int:
    rows = [{"id": number} for number in range(100_000)]
    return len(pickle.loads(pickle.dumps(rows)))


@app.get("/very-short-block")
async def very_short_block() -> int:
    time.sleep(0.022)
    return 1


@app.get("/very-short-await")
async def very_short_await() -> int:
    await asyncio.sleep(0.022)
    return 1


@functools.cache
def sums() -> int:
    return sum(number % 7 for number in range(2_000_000))


@app.get("/cached")
async def cached() -> int:
    return sums()


class Session:
    def __init__(self) -> None:
        time.sleep(0.05)


@app.get("/class")
async def class_(session: Session = Depends()) -> int:  # noqa: B008 (FastAPI's own form)
    return 1


@app.get("/thread-then-blocks")
async def thread_then_blocks() -> int:
    await asyncio.to_thread(time.sleep, 0.1)
    time.sleep(0.05)
    return 1


@app.get("/computes-beside-an-await")
async def computes_beside_an_await() -> int:
    async def squares() -> int:
        return sum(number * number for number in range(1_000_000))

    return (await asyncio.gather(squares(), asyncio.sleep(0.2)))[0]


@app.get("/many-awaits")
async def many_awaits() -> int:
    for _ in range(30):
        await asyncio.sleep(0.004)
    return 1
