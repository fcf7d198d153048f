"""A lifespan that opens a database, a pool and a thread that works beside all requests."""

import asyncio
import contextlib
import os
import sqlite3
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI

EXPECTED = {
    "GET /quick": "answers at once",
    "GET /waits": "awaits",
    "GET /own-pool": "waits in a thread",
    "GET /to-thread": "waits in a thread",
    "GET /two-in-own-pool": "waits in a thread",
    "GET /computes-in-own-pool": "computes in a thread",
    "GET /urllib-on-the-loop": "blocks the loop",
    "GET /urllib-in-a-thread": "waits in a thread",
    "GET /locked-database": "blocks the loop",
    "GET /locked-database-in-a-thread": "waits in a thread",
    "GET /lock-of-threads": "blocks the loop",
    "GET /lock-of-tasks": "awaits",
    "GET /joins-a-thread": "blocks the loop",
    "GET /result-of-a-future": "blocks the loop",
}
DONE_IN = {
    "GET /own-pool": "",  # the pool calls time.sleep by itself, so no line is the app's own
    "GET /to-thread": "",
    "GET /two-in-own-pool": "",
    "GET /computes-in-own-pool": "add_up",
    "GET /locked-database": "count_items",
    "GET /locked-database-in-a-thread": "count_items",
}
SLOW_SERVER = os.environ.get("SLOW_SERVER", "")  # answers after 150 ms


def look_now_and_then(ended: threading.Event) -> None:
    while not ended.is_set():
        sum(range(1000))
        time.sleep(0.01)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI):
    ended = threading.Event()
    beside = threading.Thread(target=look_now_and_then, args=(ended,))
    beside.start()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as pool:
        app.state.database = os.path.join(folder, "items.db")
        app.state.pool = pool
        app.state.lock, app.state.lock_of_tasks = threading.Lock(), asyncio.Lock()
        writer = sqlite3.connect(app.state.database, isolation_level=None)
        writer.execute("CREATE TABLE items (id INTEGER)")
        writer.execute("BEGIN EXCLUSIVE")
        yield
        ended.set()
        writer.close()
    beside.join()


app = FastAPI(lifespan=lifespan)


@app.get("/quick")
async def quick() -> int:
    return 1


@app.get("/waits")
async def waits() -> int:
    await asyncio.sleep(0.15)
    return 1


@app.get("/own-pool")
async def own_pool() -> int:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(app.state.pool, time.sleep, 0.12)
    return 1


@app.get("/to-thread")
async def to_thread() -> int:
    await asyncio.to_thread(time.sleep, 0.12)
    return 1


@app.get("/two-in-own-pool")
async def two_in_own_pool() -> int:
    loop = asyncio.get_running_loop()
    await asyncio.gather(
        *[loop.run_in_executor(app.state.pool, time.sleep, 0.1) for _ in range(2)],
    )
    return 1


def add_up() -> int:
    end, total = time.thread_time() + 0.12, 0
    while time.thread_time() < end:
        total += sum(range(200))
    return total


@app.get("/computes-in-own-pool")
async def computes_in_own_pool() -> int:
    return await asyncio.get_running_loop().run_in_executor(app.state.pool, add_up)


@app.get("/urllib-on-the-loop")
async def urllib_on_the_loop() -> int:
    with urllib.request.urlopen(SLOW_SERVER) as reply:  # noqa: ASYNC210
        return len(reply.read())


@app.get("/urllib-in-a-thread")
def urllib_in_a_thread() -> int:
    with urllib.request.urlopen(SLOW_SERVER) as reply:
        return len(reply.read())


def count_items() -> int:
    connection = sqlite3.connect(app.state.database, timeout=0.15)
    try:
        return connection.execute("SELECT count(*) FROM items").fetchone()[0]
    except sqlite3.OperationalError:
        return -1
    finally:
        connection.close()


@app.get("/locked-database")
async def locked_database() -> int:
    return count_items()


@app.get("/locked-database-in-a-thread")
def locked_database_in_a_thread() -> int:
    return count_items()


def hold(lock: threading.Lock, held: threading.Event) -> None:
    with lock:
        held.set()
        time.sleep(0.1)


@app.get("/lock-of-threads")
async def lock_of_threads() -> int:
    held = threading.Event()
    threading.Thread(target=hold, args=(app.state.lock, held)).start()
    held.wait()
    with app.state.lock:
        return 1


@app.get("/lock-of-tasks")
async def lock_of_tasks() -> int:
    async def hold() -> None:
        async with app.state.lock_of_tasks:
            await asyncio.sleep(0.1)

    task = asyncio.create_task(hold())
    await asyncio.sleep(0)
    async with app.state.lock_of_tasks:
        await task
    return 1


@app.get("/joins-a-thread")
async def joins_a_thread() -> int:
    thread = threading.Thread(target=time.sleep, args=(0.1,))
    thread.start()
    thread.join()
    return 1


@app.get("/result-of-a-future")
async def result_of_a_future() -> int:
    app.state.pool.submit(time.sleep, 0.1).result()
    return 1
