from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex02_blocking_the_loop import check

TOP = """
import asyncio, json, os, time, urllib.request
from concurrent.futures import ThreadPoolExecutor
import aiohttp, httpx
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
app = FastAPI()
UPSTREAM = os.environ.get("UPSTREAM", "")
two, saved, made = asyncio.Semaphore(2), None, []
def fetch():
    with urllib.request.urlopen(UPSTREAM) as response:
        return json.load(response)
async def aiohttp_fetch():
    async with aiohttp.ClientSession() as session, session.get(UPSTREAM) as response:
        return await response.json()
"""
TICKET = TOP + "@app.get('/ticket')\n"
ASYNC = TICKET + "async def ticket():\n"


@bank(
    Right(TICKET + "def ticket():\n    return fetch()\n"),
    Right(ASYNC + "    return await run_in_threadpool(fetch)\n"),
    Right(ASYNC + "    return await aiohttp_fetch()\n"),
    Right(
        ASYNC + "    async with httpx.AsyncClient() as client:\n"
        "        return (await client.get(UPSTREAM)).json()\n"
    ),
    Wrong(ASYNC + "    return {'ticket': '0a1b2c3d'}\n", "made-up-answer"),
    Wrong(ASYNC + "    return fetch()\n", "still-blocks"),
    Wrong(ASYNC + "    return httpx.get(UPSTREAM).json()\n", "still-blocks"),
    Wrong(
        ASYNC + "    with ThreadPoolExecutor() as pool:\n"
        "        return pool.submit(fetch).result()\n",
        "joined-on-the-loop",
    ),
    Wrong(
        ASYNC + "    asyncio.get_running_loop().run_in_executor(None, fetch)\n"
        "    return {'status': 'started'}\n",
        "answered-before-done",
    ),
    Wrong(
        TOP + "first = fetch() if UPSTREAM else None\n@app.get('/ticket')\ndef ticket():\n"
        "    return first\n",
        "old-answer",
    ),
    Wrong(
        ASYNC + "    global saved\n    if saved is None:\n        saved = await aiohttp_fetch()\n"
        "    return saved\n",
        "old-answer",
    ),
    # Each request leaves a ticket for the one after the next four.
    Wrong(
        TOP + "def fetch_ahead():\n    made.append(fetch())\n"
        "if UPSTREAM:\n    for _ in range(4):\n        fetch_ahead()\n"
        "@app.get('/ticket')\nasync def ticket():\n"
        "    asyncio.get_running_loop().run_in_executor(None, fetch_ahead)\n"
        "    await asyncio.sleep(0.5)\n    return made.pop(0)\n",
        "old-answer",
    ),
    Wrong(
        ASYNC + "    return (await asyncio.gather(aiohttp_fetch(), aiohttp_fetch()))[0]\n",
        "asked-too-often",
    ),
    Wrong(ASYNC + "    return {'ticket': await aiohttp_fetch()}\n", "repackaged"),
    Wrong(ASYNC + "    return {'ticket': [(await aiohttp_fetch())['ticket']]}\n", "repackaged"),
    Wrong(
        TOP + "pool = ThreadPoolExecutor(1)\n@app.get('/ticket')\nasync def ticket():\n"
        "    return await asyncio.get_running_loop().run_in_executor(pool, fetch)\n",
        "one-at-a-time",
    ),
    Wrong(ASYNC + "    async with two:\n        return await aiohttp_fetch()\n", "one-at-a-time"),
)
def test_task_2(case):
    judge(check, 2, case, from_cell("ticket"))
