"""The bank of answers to exercise 02: each wrong one has its own misconception."""

import itertools
import linecache
import time

import psutil
import pytest

from tests.answers import CellFunction, Right, Wrong, judge
from workerlab.checks.ex02_blocking_the_loop.tasks import STEPS, check, checksum
from workerlab.checks.patience import MOST
from workerlab.server import guard_process

pytestmark = pytest.mark.slow

_cells = itertools.count(1)

TOP = """
import asyncio, json, os, threading, time, urllib.request
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import anyio
from fastapi import BackgroundTasks, FastAPI
from fastapi.concurrency import run_in_threadpool
app = FastAPI()
UPSTREAM = os.environ.get("UPSTREAM", "")
def checksum(seed):
    value = seed
    for _ in range(1_000_000):
        value = (value * 1103515245 + 12345) % 2147483648
    return value
def fetch():
    with urllib.request.urlopen(UPSTREAM) as response:
        return json.load(response)
"""
REPORT = TOP + "@app.get('/report')\n"
TICKET = TOP + "@app.get('/ticket')\n"
HTTPX, AIOHTTP = f"import httpx\n{TICKET}", f"import aiohttp\n{TICKET}"
CHECKSUM = TOP + "@app.get('/checksum')\n"
READY = "    return {'report': 'ready'}\n"


def cell(source):
    """A handler whose cell has this source; unlike in a notebook, the cell has not been run."""
    file = f"<served cell {next(_cells)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = {}
    exec(compile("def handler(): pass", file, "exec"), names)
    return names["handler"]


REPORTS = [
    Right(REPORT + "async def report():\n    await asyncio.sleep(0.5)\n" + READY),
    Right(REPORT + "def report():\n    time.sleep(0.5)\n" + READY),
    Right(REPORT + "async def report():\n    await run_in_threadpool(time.sleep, 0.5)\n" + READY),
    Right(REPORT + "async def report():\n    await asyncio.to_thread(time.sleep, 0.5)\n" + READY),
    Right(
        TOP + "async def report():\n    await anyio.to_thread.run_sync(time.sleep, 0.5)\n" + READY
        + "app.add_api_route('/report', report)\n"
    ),
    Right(
        REPORT + "async def report():\n    loop = asyncio.get_running_loop()\n"
        "    await loop.run_in_executor(None, time.sleep, 0.5)\n" + READY
    ),
    Wrong(REPORT + "async def report():\n    time.sleep(0.5)\n" + READY, "still-blocks"),
    Wrong(
        "import asyncio\npair = asyncio.Semaphore(2)\n" + REPORT
        + "async def report():\n    async with pair:\n        await asyncio.sleep(0.5)\n" + READY,
        "one-at-a-time",
    ),
    Wrong(
        TOP + "async def wait():\n    time.sleep(0.5)\n"
        "@app.get('/report')\nasync def report():\n    await asyncio.create_task(wait())\n" + READY,
        "still-blocks",
    ),
    Wrong(REPORT + "async def report():\n    await time.sleep(0.5)\n" + READY, "awaits-a-value"),
    Wrong(REPORT + "async def report():\n    asyncio.sleep(0.5)\n" + READY, "not-awaited"),
    Wrong(
        REPORT + "async def report():\n    asyncio.to_thread(time.sleep, 0.5)\n" + READY,
        "not-awaited",
    ),
    Wrong(REPORT + "async def report():\n" + READY, "work-removed"),
    Wrong(REPORT + "def report():\n    time.sleep(0.1)\n" + READY, "work-removed"),
    Wrong(
        REPORT + "async def report():\n    await asyncio.sleep(0.5)\n    return 'ready'\n",
        "answer-changed",
    ),
    Wrong(REPORT + "async def report():\n    await asyncio.sleep(0.5)\n", "nothing-returned"),
    Wrong(
        REPORT + "async def report(tasks: BackgroundTasks):\n"
        "    tasks.add_task(time.sleep, 0.5)\n" + READY,
        "answered-before-done",
    ),
    Wrong(
        REPORT + "async def report():\n    asyncio.create_task(asyncio.sleep(0.5))\n" + READY,
        "answered-before-done",
    ),
    Wrong(
        REPORT + "async def report():\n"
        "    threading.Thread(target=time.sleep, args=[0.5]).start()\n" + READY,
        "answered-before-done",
    ),
    Wrong(
        REPORT + "async def report():\n    thread = threading.Thread(target=time.sleep, args=[0.5])"
        "\n    thread.start()\n    thread.join()\n" + READY,
        "joined-on-the-loop",
    ),
    Wrong(
        REPORT + "async def report():\n    with ThreadPoolExecutor() as pool:\n"
        "        pool.submit(time.sleep, 0.5).result()\n" + READY,
        "joined-on-the-loop",
    ),
    Wrong(
        REPORT + "async def report():\n    asyncio.run(asyncio.sleep(0.5))\n" + READY,
        "second-loop",
    ),
    Wrong(
        REPORT + "async def report():\n"
        "    asyncio.get_running_loop().run_until_complete(asyncio.sleep(0.5))\n" + READY,
        "second-loop",
    ),
    Wrong(
        REPORT.replace("/report", "/slow-report")
        + "async def report():\n    await asyncio.sleep(0.5)\n" + READY,
        "endpoint-missing",
    ),
    Wrong(
        REPORT + "async def report(seconds: float):\n    await asyncio.sleep(seconds)\n" + READY,
        "asks-for-more",
    ),
    Wrong(
        TOP + "lock = asyncio.Lock()\n@app.get('/report')\nasync def report():\n"
        "    async with lock:\n        await asyncio.sleep(0.5)\n" + READY,
        "one-at-a-time",
    ),
    Wrong(
        REPORT + "async def report():\n    await trio.sleep(0.5)\n" + READY, "needs-another-cell"
    ),
    Wrong("@app.get('/report')\nasync def report():\n" + READY, "needs-another-cell"),
    Wrong(REPORT + "async def report():\n    await asyncio.sleep('0.5')\n" + READY, "raises"),
    Wrong(TOP + "async def report(:\n" + READY, "syntax-error"),
    Wrong(TOP + "from asyncio import slumber\n", "import-error"),
    Wrong(TOP + "1 / 0\n", "raises-at-import"),
    Wrong(REPORT.replace("app", "application") + "async def report():\n" + READY, "no-app"),
]  # fmt: skip

TICKETS = [
    Right(TICKET + "def ticket():\n    return fetch()\n"),
    Right(TICKET + "async def ticket():\n    return await run_in_threadpool(fetch)\n"),
    Right(TICKET + "async def ticket():\n    return await asyncio.to_thread(fetch)\n"),
    Right(
        HTTPX + "async def ticket():\n    async with httpx.AsyncClient() as client:\n"
        "        return (await client.get(UPSTREAM)).json()\n"
    ),
    Right(
        AIOHTTP + "async def ticket():\n    async with aiohttp.ClientSession() as session:\n"
        "        async with session.get(os.environ['UPSTREAM']) as response:\n"
        "            return await response.json()\n"
    ),
    Wrong(TICKET + "async def ticket():\n    return fetch()\n", "still-blocks"),
    Wrong(
        HTTPX + "async def ticket():\n    return httpx.get(UPSTREAM).json()\n", "still-blocks"
    ),
    Wrong(
        TICKET + "async def ticket():\n"
        "    return json.load(await urllib.request.urlopen(UPSTREAM))\n",
        "awaits-a-value",
    ),
    Wrong(TICKET + "async def ticket():\n    return run_in_threadpool(fetch)\n", "not-awaited"),
    Wrong(
        AIOHTTP + "async def ticket():\n    async with aiohttp.ClientSession() as session:\n"
        "        async with session.get(UPSTREAM) as response:\n"
        "            return response.json()\n",
        "not-awaited",
    ),
    Wrong(
        TICKET + "async def ticket():\n    asyncio.get_running_loop().run_in_executor(None, fetch)"
        "\n    return {'status': 'started'}\n",
        "answered-before-done",
    ),
    Wrong(TICKET + "async def ticket():\n    return {'ticket': '0a1b2c3d'}\n", "made-up-answer"),
    Wrong(TOP + "first = fetch()\n@app.get('/ticket')\ndef ticket():\n    return first\n",
          "old-answer"),
    Wrong(
        HTTPX + "async def ticket():\n    async with httpx.AsyncClient() as client:\n"
        "        return (await client.get(UPSTREAM)).text\n",
        "text-not-json",
    ),
    Wrong(
        TICKET + "async def ticket():\n    return {'answer': await asyncio.to_thread(fetch)}\n",
        "answer-changed",
    ),
    Wrong(
        TICKET + "async def ticket():\n    with ThreadPoolExecutor() as pool:\n"
        "        return pool.submit(fetch).result()\n",
        "joined-on-the-loop",
    ),
    Wrong(
        TICKET + "async def ticket():\n    return asyncio.run(asyncio.to_thread(fetch))\n",
        "second-loop",
    ),
    Wrong(
        TOP + "pool = ThreadPoolExecutor(1)\n@app.get('/ticket')\nasync def ticket():\n"
        "    return await asyncio.get_running_loop().run_in_executor(pool, fetch)\n",
        "one-at-a-time",
    ),
    Wrong(TICKET + "def ticket():\n    return requests.get(UPSTREAM).json()\n",
          "needs-another-cell"),
    Wrong(TICKET + "def ticket():\n    urllib.request.urlopen(UPSTREAM)\n", "nothing-returned"),
]  # fmt: skip

CHECKSUMS = [
    Right(CHECKSUM + "def get_checksum(seed: int):\n    return {'checksum': checksum(seed)}\n"),
    Right(
        CHECKSUM + "async def get_checksum(seed: int):\n"
        "    return {'checksum': await run_in_threadpool(checksum, seed)}\n"
    ),
    Right(
        TOP + "pool = ProcessPoolExecutor(2)\n@app.get('/checksum')\n"
        "async def get_checksum(seed: int):\n    loop = asyncio.get_running_loop()\n"
        "    return {'checksum': await loop.run_in_executor(pool, checksum, seed)}\n"
    ),
    Right(
        CHECKSUM + "async def get_checksum(seed: int):\n"
        "    return {'checksum': await asyncio.to_thread(checksum, seed)}\n"
    ),
    Right(
        CHECKSUM + "async def get_checksum(seed: int):\n    value = seed\n"
        "    for step in range(1_000_000):\n"
        "        value = (value * 1103515245 + 12345) % 2147483648\n"
        "        if step % 20_000 == 0:\n            await asyncio.sleep(0)\n"
        "    return {'checksum': value}\n"
    ),
    Wrong(
        CHECKSUM + "async def get_checksum(seed: int):\n    return {'checksum': checksum(seed)}\n",
        "still-blocks",
    ),
    Wrong(
        CHECKSUM + "async def get_checksum(seed: int):\n    await asyncio.sleep(0)\n"
        "    return {'checksum': checksum(seed)}\n",
        "still-blocks",
    ),
    Wrong(
        CHECKSUM + "async def get_checksum(seed: int):\n"
        "    return {'checksum': await checksum(seed)}\n",
        "awaits-a-value",
    ),
    Wrong(
        CHECKSUM + "async def get_checksum(seed: int):\n"
        "    return {'checksum': run_in_threadpool(checksum, seed)}\n",
        "not-awaited",
    ),
    Wrong(
        CHECKSUM + "async def get_checksum(seed: int):\n"
        "    with ProcessPoolExecutor(1) as pool:\n"
        "        return {'checksum': pool.submit(checksum, seed).result()}\n",
        "joined-on-the-loop",
    ),
    Wrong(CHECKSUM + "def get_checksum(seed: int):\n    return {'checksum': 4711}\n",
          "fixed-value"),
    Wrong(
        CHECKSUM.replace("1_000_000", "15_000") + "def get_checksum(seed: int):\n"
        "    return {'checksum': checksum(seed)}\n",
        "another-checksum",
    ),
    Wrong(
        CHECKSUM + "def get_checksum(seed: int):\n    return checksum(seed)\n", "answer-changed"
    ),
    Wrong(CHECKSUM + "def get_checksum(seed: int):\n    checksum(seed)\n", "nothing-returned"),
    Wrong(
        CHECKSUM + "async def get_checksum(seed: int, tasks: BackgroundTasks):\n"
        "    tasks.add_task(checksum, seed)\n    return {'status': 'started'}\n",
        "answered-before-done",
    ),
    Wrong(
        CHECKSUM + "async def get_checksum(seed: int):\n"
        "    return {'checksum': asyncio.run(asyncio.to_thread(checksum, seed))}\n",
        "second-loop",
    ),
    Wrong(
        CHECKSUM.replace("'/checksum'", "'/checksum/{seed}'")
        + "def get_checksum(seed: int):\n    return {'checksum': checksum(seed)}\n",
        "endpoint-missing",
    ),
    Wrong(CHECKSUM + "def get_checksum(seed: int):\n    return {'checksum': chksum(seed)}\n",
          "needs-another-cell"),
]  # fmt: skip

CHILDREN = "import subprocess\nfor _ in range(40):\n    subprocess.Popen(['sleep', '60'])\n"
HOSTILE = [
    Wrong(TOP + "while True:\n    pass\n", "never-comes-up"),
    Wrong(TOP + "import sys\nsys.exit(3)\n", "ends-the-process"),
    Wrong(TOP + CHILDREN + "while True:\n    time.sleep(1)\n", "never-comes-up"),
    Wrong(TOP + CHILDREN + "1 / 0\n", "raises-at-import"),
    Wrong(TOP + CHILDREN + "raise SystemExit(3)\n", "ends-the-process"),
    Wrong(TOP + "os._exit(3)\n", "ends-the-process"),
    Wrong(
        REPORT + "def report():\n    import subprocess\n"
        "    for _ in range(10):\n        subprocess.Popen(['sleep', '60'])\n" + READY,
        "work-removed",
    ),
    Wrong(REPORT + "async def report():\n    while True:\n        pass\n", "never-answers"),
    Wrong(REPORT + "def report():\n    while True:\n        pass\n", "never-answers"),
    Wrong(REPORT + "async def report():\n    await asyncio.sleep(3600)\n", "never-answers"),
    Wrong(REPORT + "async def report():\n    os._exit(3)\n", "ends-the-server"),
    Wrong(
        REPORT + "async def report():\n    from fastapi.responses import StreamingResponse\n"
        "    return StreamingResponse(iter(lambda: b'x' * 1000, b''))\n",
        "never-answers",
    ),
    Wrong("report = 4711\n", "no-app"),
]


@pytest.mark.parametrize("answer", REPORTS, ids=repr)
def test_report(answer):
    judge(check, 1, answer, cell)


@pytest.mark.parametrize("answer", TICKETS, ids=repr)
def test_ticket(answer):
    judge(check, 2, answer, cell)


@pytest.mark.parametrize("answer", CHECKSUMS, ids=repr)
def test_get_checksum(answer):
    judge(check, 3, answer, cell)


@pytest.mark.parametrize("answer", HOSTILE, ids=repr)
def test_a_verdict_within_seconds_and_nothing_left(answer):
    began = time.monotonic()
    judge(check, 1, answer, cell)
    # Ten seconds on an idle machine; a busy one may be asked twice.
    assert time.monotonic() - began < 2 * MOST * 10
    assert not _children()


def _children():
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if (
                process.status() != psutil.STATUS_ZOMBIE
                and guard_process.MARKER in process.environ()
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("answer", ["report", 4711, None, print], ids=repr)
def test_what_is_no_handler(answer):
    judge(check, 1, Wrong(answer, "not-a-function"))


def test_the_untouched_stub_is_not_attempted():
    stub = CellFunction("report")(REPORT + "async def report():\n    ...  # <- your answer\n")
    assert check.judge(1, stub).outcome == "not attempted"


@pytest.mark.parametrize("seed", [0, 1, 999_999])
def test_the_checksum_is_what_the_given_function_computes(seed):
    value = seed
    for _ in range(1_234):
        value = (value * 1103515245 + 12345) % 2147483648
    assert checksum(seed, 1_234) == value
    assert STEPS == 1_000_000
