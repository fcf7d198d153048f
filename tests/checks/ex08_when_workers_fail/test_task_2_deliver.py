"""The bank of exercise 08, task 2."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex08_when_workers_fail import check

TOP = """
import asyncio
import aiohttp

async def deliver(session, method, url):
"""
LOOP = (
    TOP
    + """
    for attempt in range(3):
        try:
            async with session.request(method, url) as response:
                return response.status
        except aiohttp.ClientError:
            if method == "POST":
                return None
    return None
"""
)
RECURSIVE = """
import asyncio
import aiohttp

async def deliver(session, method, url, left=3):
    try:
        reply = await session.request(method, url)
    except (aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError, OSError) as error:
        # A connection that never came about has carried nothing out.
        if left == 1 or (method != "GET" and not isinstance(error, aiohttp.ClientConnectorError)):
            return None
        await asyncio.sleep(0.1)
        return await deliver(session, method, url, left - 1)
    async with reply:
        return reply.status
"""
OF_ITS_OWN = """
import httpx

async def deliver(session, method, url):
    async with httpx.AsyncClient() as client:
        for attempt in range(1 if method == "POST" else 3):
            try:
                return (await client.request(method, url)).status_code
            except httpx.TransportError:
                pass
"""
NO_MORE = """            if method == "POST":
                return None
"""


def changed(old: str, new: str, source: str = LOOP) -> str:
    assert old in source
    return source.replace(old, new)


@bank(
    Wrong("deliver = 200\n", "not-a-function"),
    Right(LOOP),
    Right(RECURSIVE),
    Right(OF_ITS_OWN),
    Wrong(changed(NO_MORE, "            pass\n"), "post-twice"),
    Wrong(
        TOP + "    async with session.request(method, url) as response:\n"
        "        return response.status\n",
        "given-up-too-early",
    ),
    Wrong(changed("range(3)", "range(2)"), "given-up-too-early"),
    Wrong(changed("range(3)", "range(4)"), "too-often"),
    Wrong(changed("for attempt in range(3)", "while True"), "too-often"),
    Wrong(changed("session.request(method, url)", "session.get(url)"), "not-sent"),
    Wrong(changed('method == "POST"', 'method == "GET"'), "post-twice"),
    Wrong(changed("                return None\n", "                raise\n"), "not-what-came"),
    Wrong(
        changed("                return None\n", "                return 200\n"), "not-what-came"
    ),
    Wrong(changed("return response.status", "return await response.json()"), "not-what-came"),
    Wrong(
        changed(
            "                return response.status\n",
            "                status = response.status\n"
            '            if method == "POST" or attempt:\n'
            "                return status\n",
        ),
        "too-often",
    ),
    Wrong(TOP + "    return 200\n", "not-sent"),
    Wrong(TOP + "    while True:\n        await asyncio.sleep(1)\n", "never-ends"),
    Wrong(changed("aiohttp.ClientError", "ClientError"), "needs-another-cell"),
)
def test_task_2(case):
    judge(check, 2, case, from_cell("deliver"))
