"""The bank of answers to exercise 03, task 1."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex03_the_thread_pool import check

ASYNC = """
import asyncio, aiohttp, math, time
async def get(session, url):
    async with session.get(url) as response:
        return await response.json()
async def send(url, n):
    async with aiohttp.ClientSession() as session:
        return await asyncio.gather(*(get(session, url) for _ in range(n)))
def first_step(replies):
    first = min(r["ended"] for r in replies)
    return sum(r["began"] < first for r in replies)
async def find_the_limit(url):
    ANSWER
"""
THREADS = """
import json, urllib.request
from concurrent.futures import ThreadPoolExecutor
def get(url):
    with urllib.request.urlopen(url) as reply:
        return json.load(reply)
def find_the_limit(url):
    with ThreadPoolExecutor(SIZE) as pool:
        replies = list(pool.map(get, [url] * 41))
    first = min(r["ended"] for r in replies)
    return sum(r["began"] < first for r in replies)
"""
LATENCY = """
import asyncio
import time

import aiohttp


async def find_the_limit(url):
    async def one(session):
        sent = time.monotonic()
        async with session.get(url) as response:
            await response.read()
        return time.monotonic() - sent

    async with aiohttp.ClientSession() as session:
        waits = await asyncio.gather(*(one(session) for _ in range(41)))
    return sum(wait < 1.5 * min(waits) for wait in waits)
"""
BURST = """
from workerlab import burst
async def find_the_limit(url):
    return (await burst(url, n=41)).peak_overlap
"""
ONE_MORE_EACH_TIME = """for n in range(1, 42):
        replies = await send(url, n)
        if first_step(replies) < n:
            return n - 1"""


def using_asyncio(answer: str) -> str:
    return ASYNC.replace("ANSWER", answer)


@bank(
    Right(using_asyncio("return first_step(await send(url, 41))")),
    Right(using_asyncio(ONE_MORE_EACH_TIME)),
    Right(THREADS.replace("SIZE", "50")),
    Right(BURST),
    Right(LATENCY),
    Wrong("find_the_limit = 7\n", "not-a-function"),
    Wrong("def find_the_limit(url):\n    return 40\n", "nothing-sent"),
    Wrong(
        using_asyncio("return sum([first_step(await send(url, 1)) for _ in range(9)]) // 9"),
        "one-by-one",
    ),
    Wrong(using_asyncio("return first_step(await send(url, 15))"), "too-few-at-once"),
    # As many threads as Python takes by default, on two cores.
    Wrong(THREADS.replace("SIZE", "6"), "too-few-at-once"),
    Wrong(using_asyncio("return len(await send(url, 41))"), "all-that-were-sent"),
    Wrong(
        using_asyncio("return math.ceil(41 / first_step(await send(url, 41)))"), "counts-the-steps"
    ),
    Wrong(using_asyncio("return first_step(await send(url, 41)) + 1"), "off-by-one"),
    Wrong(
        using_asyncio("return len({r['thread'] for r in await send(url, 41)})"), "another-number"
    ),
    Wrong(using_asyncio("return await send(url, 41)"), "not-a-whole-number"),
    Wrong(using_asyncio("print(first_step(await send(url, 41)))"), "nothing-returned"),
)
def test_task_1(case):
    judge(check, 1, case, from_cell("find_the_limit"))
