from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex01_one_worker import check

HEAD = """
import asyncio, aiohttp
async def one(session, url):
    async with session.get(url) as response:
        return await response.text()
async def fire(url, n):
"""
SESSION = "    async with aiohttp.ClientSession() as session:\n"
GATHER = "        return await asyncio.gather(*(one(session, url) for _ in range(n)))\n"


@bank(
    Right(HEAD + SESSION + GATHER),
    Right(
        HEAD + "    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:\n"
        "        for _ in range(n):\n"
        "            group.create_task(one(session, url))\n"
    ),
    Right(
        "import urllib.request\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def fire(url, n):\n"
        "    with ThreadPoolExecutor(n) as pool:\n"
        "        return [r.status for r in pool.map(urllib.request.urlopen, [url] * n)]\n"
    ),
    Right(
        "import urllib.request\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "def ask(url):\n"
        "    return urllib.request.urlopen(url).status\n"
        "def fire(url, n):\n"
        "    with ProcessPoolExecutor(n, get_context('fork')) as pool:\n"
        "        return list(pool.map(ask, [url] * n))\n"
    ),
    Wrong("fire = 5\n", "not-a-function"),
    Wrong(
        HEAD + SESSION + "        return [await one(session, url) for _ in range(n)]\n",
        "one-by-one",
    ),
    Wrong(
        "import asyncio, urllib.request\n"
        "async def one(url):\n"
        "    return urllib.request.urlopen(url).read().decode()\n"
        "async def fire(url, n):\n"
        "    return await asyncio.gather(*(one(url) for _ in range(n)))\n",
        "blocking-client",
    ),
    Wrong(
        HEAD + "    limit = asyncio.Semaphore(3)\n"
        "    async def limited(session):\n"
        "        async with limit:\n"
        "            return await one(session, url)\n"
        + SESSION
        + GATHER.replace("one(session, url)", "limited(session)"),
        "in-batches",
    ),
    Wrong(
        HEAD + SESSION.replace("()", "(connector=aiohttp.TCPConnector(limit=8))") + GATHER,
        "in-batches",
    ),
    Wrong(HEAD + SESSION + GATHER.replace("range(n)", "range(8)"), "fixed-number"),
    Wrong(HEAD + SESSION + GATHER.replace("range(n)", "range(1, n)"), "off-by-one"),
    Wrong(
        HEAD + SESSION + "        for _ in range(n):\n"
        "            asyncio.create_task(one(session, url))\n"
        "        await asyncio.sleep(1)\n",
        "not-waited-for",
    ),
    Wrong(
        HEAD + SESSION + "        [asyncio.create_task(one(session, url)) for _ in range(n)]\n",
        "not-waited-for",
    ),
    Wrong(
        HEAD.replace("(url)", "(f'{url}/slow-await?seconds=0.5')") + SESSION + GATHER,
        "another-url",
    ),
)
def test_task_3(case):
    judge(check, 3, case, from_cell("fire"))
