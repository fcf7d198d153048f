"""One file without routers: libraries of C, on the event loop and in a thread."""

import asyncio
import functools
import hashlib
import json
import sqlite3
import time
import zlib

from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter

app = FastAPI()

EXPECTED = {
    "GET /quick": "answers at once",
    "GET /sqlite-on-the-loop": "computes on the loop",
    "GET /sqlite-in-a-thread": "computes in a thread",
    "GET /hash-on-the-loop": "computes on the loop",
    "GET /hash-in-a-thread": "computes in a thread",
    "GET /zip-on-the-loop": "computes on the loop",
    "GET /zip-in-a-thread": "computes in a thread",
    "GET /dumps-on-the-loop": "computes on the loop",
    "GET /dumps-in-a-thread": "keeps the GIL in a thread",
    "GET /validates-on-the-loop": "computes on the loop",
    "GET /validates-in-a-thread": "keeps the GIL in a thread",
    "GET /short-cpu": "computes on the loop",
    "GET /short-await": "awaits",
    "GET /awaits-then-blocks": "blocks the loop",
    "GET /gathers": "awaits",
    "GET /partial": "blocks the loop",
    "GET /decorated": "blocks the loop",
    "POST /sum": "computes on the loop",
}
PATHS = ["POST /sum [1, 2, 3]"]
DONE_IN = {"GET /partial": "sleep_for", "GET /decorated": "timed", "POST /sum": "sum_of"}

COUNT = """WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 700000)
           SELECT sum(n % 7) FROM numbers"""
ROWS = [{"id": number, "name": f"n{number}", "share": number / 3} for number in range(100_000)]
DATA = b"".join(b"%d," % number for number in range(700_000))


class Row(BaseModel):
    id: int
    name: str
    share: float


ADAPTER = TypeAdapter(list[Row])


@app.get("/quick")
async def quick() -> int:
    return 1


@app.get("/sqlite-on-the-loop")
async def sqlite_on_the_loop() -> int:
    connection = sqlite3.connect(":memory:")
    return connection.execute(COUNT).fetchone()[0]


@app.get("/sqlite-in-a-thread")
def sqlite_in_a_thread() -> int:
    connection = sqlite3.connect(":memory:")
    return connection.execute(COUNT).fetchone()[0]


@app.get("/hash-on-the-loop")
async def hash_on_the_loop() -> str:
    return hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 200_000).hex()


@app.get("/hash-in-a-thread")
def hash_in_a_thread() -> str:
    return hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 200_000).hex()


@app.get("/zip-on-the-loop")
async def zip_on_the_loop() -> int:
    return len(zlib.compress(DATA, 5))


@app.get("/zip-in-a-thread")
def zip_in_a_thread() -> int:
    return len(zlib.compress(DATA, 5))


@app.get("/dumps-on-the-loop")
async def dumps_on_the_loop() -> int:
    return len(json.dumps(ROWS))


@app.get("/dumps-in-a-thread")
def dumps_in_a_thread() -> int:
    return len(json.dumps(ROWS))


@app.get("/validates-on-the-loop")
async def validates_on_the_loop() -> int:
    return len(ADAPTER.validate_python(ROWS))


@app.get("/validates-in-a-thread")
def validates_in_a_thread() -> int:
    return len(ADAPTER.validate_python(ROWS))


@app.get("/short-cpu")
async def short_cpu() -> int:
    end, total = time.thread_time() + 0.035, 0
    while time.thread_time() < end:
        total += sum(range(100))
    return total


@app.get("/short-await")
async def short_await() -> int:
    await asyncio.sleep(0.03)
    return 1


@app.get("/awaits-then-blocks")
async def awaits_then_blocks() -> int:
    await asyncio.sleep(0.1)
    time.sleep(0.06)
    return 1


@app.get("/gathers")
async def gathers() -> int:
    await asyncio.gather(*[asyncio.sleep(0.05 + 0.01 * number) for number in range(10)])
    return 1


async def sleep_for(seconds: float) -> int:
    time.sleep(seconds)
    return 1


app.get("/partial")(functools.partial(sleep_for, 0.08))


def timed(handler):
    @functools.wraps(handler)
    async def timed(*args, **kwargs):
        time.sleep(0.05)
        return await handler(*args, **kwargs)

    return timed


@app.get("/decorated")
@timed
async def decorated() -> int:
    return 1


@app.post("/sum")
async def sum_of(numbers: list[int]) -> int:
    end = time.thread_time() + 0.1
    while time.thread_time() < end:
        sum(numbers)
    return sum(numbers)
