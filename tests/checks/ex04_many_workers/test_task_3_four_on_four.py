"""The bank of answers to exercise 04, task 3."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex04_many_workers import check

FOUR = """
import asyncio, aiohttp
from workerlab import burst, steady
async def one(session, url):
    async with session.get(url) as response:
        return (await response.json())["worker_pid"]
async def spaced(url, seconds, n=4):
    async with aiohttp.ClientSession() as session:
        tasks = []
        for _ in range(n):
            tasks.append(asyncio.create_task(one(session, url)))
            await asyncio.sleep(seconds)
        return await asyncio.gather(*tasks)
async def four_on_four(url):
"""
THREADS = """
import json, time, urllib.request
from concurrent.futures import ThreadPoolExecutor
def ask(url):
    return json.load(urllib.request.urlopen(url))["worker_pid"]
def four_on_four(url):
    with ThreadPoolExecutor(4) as pool:
        asked = []
        for _ in range(4):
            asked.append(pool.submit(ask, url))
            time.sleep(0.2)
        return tuple(future.result() for future in asked)
"""
GATHERED = """
import asyncio, aiohttp
async def four_on_four(url):
    async def ask(i):
        await asyncio.sleep(0.15 * i)
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return (await response.json())["worker_pid"]
    return await asyncio.gather(*map(ask, range(4)))
"""
RETRYING = """
import asyncio, aiohttp
async def four_on_four(url):
    async def ask(session):
        async with session.get(url) as response:
            return (await response.json())["worker_pid"]
    pids = set()
    async with aiohttp.ClientSession() as session:
        while len(pids) < 4:
            pids.update(await asyncio.gather(*[ask(session) for _ in range(4)]))
    return list(pids)
"""


@bank(
    Right(FOUR + "    return await spaced(url, 0.2)\n"),
    Right(FOUR + "    return set((await burst(url, 4, after='began')).by_worker)\n"),
    Right(THREADS),
    Right(GATHERED),
    Wrong("four_on_four = [1, 2, 3, 4]\n", "not-a-function"),
    Wrong(FOUR + "    return await spaced(url, 0)\n", "all-at-once"),
    Wrong(RETRYING, "all-at-once"),
    Wrong(
        FOUR + "    async with aiohttp.ClientSession() as session:\n"
        "        first = asyncio.gather(one(session, url), one(session, url))\n"
        "        await asyncio.sleep(0.2)\n"
        "        second = asyncio.gather(one(session, url), one(session, url))\n"
        "        return [*await first, *await second]\n",
        "all-at-once",
    ),
    Wrong(
        FOUR + "    async with aiohttp.ClientSession() as session:\n"
        "        return [await one(session, url) for _ in range(4)]\n",
        "one-by-one",
    ),
    Wrong(FOUR + "    return await spaced(url, 0.6)\n", "too-far-apart"),
    Wrong(FOUR + "    return await spaced(url, 0.2, n=3)\n", "fewer-than-four"),
    Wrong(FOUR + "    return await spaced(url, 0.2, n=5)\n", "more-than-four"),
    Wrong(FOUR + "    return await spaced(url.partition('/slow')[0], 0.2)\n", "fewer-than-four"),
    Wrong(
        FOUR + "    async with aiohttp.ClientSession() as session:\n"
        "        for _ in range(4):\n"
        "            asyncio.create_task(one(session, url))\n"
        "            await asyncio.sleep(0.1)\n"
        "        return [1, 2, 3, 4]\n",
        "not-waited-for",
    ),
    Wrong(FOUR + "    return (await spaced(url, 0.2))[:1]\n", "other-pids"),
    Wrong(
        FOUR + "    run = await burst(url, 4, after='began')\n"
        "    return [record.reply for record in run.records]\n",
        "another-type",
    ),
)
def test_task_3(case):
    judge(check, 3, case, from_cell("four_on_four"))
