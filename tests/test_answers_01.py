"""The bank of answers to exercise 01: each wrong one has its own misconception."""

import pytest

from tests.answers import CellFunction, Right, Wrong, judge
from workerlab.checks.ex01_one_worker.tasks import check

pytestmark = pytest.mark.slow

PID = """
import json, os, urllib.request
def answering_pid(url):
"""
FIRE = """
import asyncio, aiohttp
async def one(session, url):
    async with session.get(url) as response:
        return await response.text()
"""

COMMANDS = [
    Right("uvicorn app.main:app --port {port}"),
    Right("python -m uvicorn --host 127.0.0.1 --port={port} app.main:app"),
    Right("uvicorn main:app --app-dir app --port {port} --workers 1"),
    Right("uvicorn app.main:app --host localhost --port {port} --log-level warning"),
    Right("UVICORN_LOG_LEVEL=warning uvicorn app.main:app --port {port}"),
    Wrong("uvicorn app/main.py:app --port {port}", "file-instead-of-module"),
    Wrong("fastapi dev app/main.py --port {port}", "fastapi-command"),
    Wrong("uvicorn app.main --port {port}", "no-app-named"),
    Wrong("uvicorn app.main:app --port 8000", "port-not-given"),
    Wrong("uvicorn app.main:app --host 0.0.0.0 --port {port}", "open-to-the-network"),
    Wrong("UVICORN_HOST=0.0.0.0 uvicorn app.main:app --port {port}", "open-to-the-network"),
    Wrong("uvicorn app.main:app --host 127.0.0.1:{port}", "no-address"),
    Wrong("uvicorn app.main:app --port {port} --workers 2", "several-workers"),
    Wrong("uvicorn app.main:app --port {port} --workers 2 --reload", "reloader"),
    Wrong("gunicorn app.main:app -w 1 --bind 127.0.0.1:{port}", "gunicorn-already"),
    Wrong("uvicorn app.main:app --port {port} --reload", "reloader"),
    Wrong(
        "gunicorn app.main:app --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}",
        "gunicorn-already",
    ),
    Wrong("uvicorn tests.helpers:app --port {port}", "another-app"),
    Wrong("fastapi-server app.main:app --port {port}", "no-such-command"),
    Wrong("uvicorn app.main:application --port {port}", "does-not-start"),
    Wrong(["uvicorn", "app.main:app", "--port", "{port}"], "not-a-text"),
]

PIDS = [
    Right(
        PID + "    with urllib.request.urlopen(url) as reply:\n"
        '        return json.load(reply)["worker_pid"]\n'
    ),
    Right(
        PID + "    reply = urllib.request.urlopen(url + '/health').read()\n"
        "    return int(json.loads(reply).get('worker_pid'))\n"
    ),
    Right(
        FIRE.replace("async def one(session, url):", "import json\nasync def one(session, url):")
        + "async def answering_pid(url):\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        return json.loads(await one(session, url))['worker_pid']\n"
    ),
    Right(
        "import asyncio, aiohttp\n"
        "async def ask(url):\n"
        "    async with aiohttp.request('GET', url) as response:\n"
        "        return (await response.json())['worker_pid']\n"
        "def answering_pid(url):\n"
        "    return asyncio.run(ask(url))\n"
    ),
    Right(
        PID.replace("def answering_pid(url):", "answering_pid = lambda url: \\")
        + "    json.load(urllib.request.urlopen(url))['worker_pid']\n"
    ),
    Right(
        "import functools, requests\n"
        "@functools.cache\n"
        "def answering_pid(url):\n"
        "    return requests.get(url).json()['worker_pid']\n"
    ),
    Wrong(PID + "    return urllib.request.urlopen(url).read().decode()\n", "whole-reply"),
    Wrong("import functools\nanswering_pid = functools.partial(int, 5)\n", "not-written-here"),
    Wrong(PID + "    return os.getpid()\n", "own-process"),
    Wrong(PID + "    return json.load(urllib.request.urlopen(url))\n", "whole-reply"),
    Wrong(PID + "    json.load(urllib.request.urlopen(url))['worker_pid']\n", "nothing-returned"),
    Wrong(
        PID + "    return str(json.load(urllib.request.urlopen(url))['worker_pid'])\n",
        "text-not-number",
    ),
    Wrong(PID + "    return 4711\n", "fixed-value"),
    Wrong(PID + "    return int(url.rpartition(':')[2])\n", "another-number"),
    Wrong(PID + "    return json.load(urllib.request.urlopen(url))['pid']\n", "raises"),
    Wrong("def answering_pid(url):\n    return requests.get(url).json()\n", "needs-another-cell"),
    Wrong("answering_pid = 4711\n", "not-a-function"),
]

FIRES = [
    Right(
        FIRE + "async def fire(url, n):\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        return await asyncio.gather(*(one(session, url) for _ in range(n)))\n"
    ),
    Right(
        FIRE + "async def fire(url, n):\n"
        "    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:\n"
        "        for _ in range(n):\n"
        "            group.create_task(one(session, url))\n"
    ),
    Right(
        FIRE + "async def fire(url, n):\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        tasks = [asyncio.create_task(one(session, url)) for _ in range(n)]\n"
        "        for task in tasks:\n"
        "            await task\n"
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
    Wrong(
        FIRE + "async def fire(url, n):\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        return [await one(session, url) for _ in range(n)]\n",
        "one-by-one",
    ),
    Wrong(
        FIRE + "async def fire(url, n):\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        for _ in range(n):\n"
        "            await asyncio.create_task(one(session, url))\n",
        "one-by-one",
    ),
    Wrong(
        FIRE.replace("(url)", "(f'{url}/slow-await?seconds=0.5')") + "async def fire(url, n):\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        return await asyncio.gather(*(one(session, url) for _ in range(n)))\n",
        "another-url",
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
        FIRE + "async def fire(url, n):\n"
        "    limit = asyncio.Semaphore(3)\n"
        "    async def limited(session):\n"
        "        async with limit:\n"
        "            return await one(session, url)\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        return await asyncio.gather(*(limited(session) for _ in range(n)))\n",
        "in-batches",
    ),
    Wrong(
        FIRE + "async def fire(url, n):\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        for _ in range(n):\n"
        "            asyncio.create_task(one(session, url))\n"
        "        await asyncio.sleep(0.1)\n",
        "not-waited-for",
    ),
    Wrong(
        FIRE + "async def fire(url, n):\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        return await asyncio.gather(*(one(session, url) for _ in range(8)))\n",
        "fixed-number",
    ),
    Wrong(
        FIRE + "async def fire(url, n):\n"
        "    async with aiohttp.ClientSession() as session:\n"
        "        return await asyncio.gather(*(one(session, url) for _ in range(1, n)))\n",
        "off-by-one",
    ),
    Wrong("async def fire(url, n):\n    while True:\n        pass\n", "never-ends"),
    Wrong("import sys\nasync def fire(url, n):\n    sys.exit(3)\n", "ends-the-process"),
    Wrong("async def fire(url, n):\n    return aiohttp.get(url)\n", "needs-another-cell"),
    Wrong("async def fire(url):\n    return 1\n", "raises"),
]


@pytest.mark.parametrize("answer", COMMANDS, ids=repr)
def test_command_for_one_worker(answer):
    judge(check, 1, answer)


@pytest.mark.parametrize("answer", PIDS, ids=repr)
def test_answering_pid(answer):
    judge(check, 2, answer, CellFunction("answering_pid"))


def test_a_function_without_a_name():
    assert check.judge(2, lambda url: 4711).misconception == "not-written-here"


@pytest.mark.parametrize("answer", FIRES, ids=repr)
def test_fire(answer):
    judge(check, 3, answer, CellFunction("fire"))
