"""The bank of answers to exercise 03: each wrong one has its own misconception."""

import asyncio
from typing import Any

import pytest

from tests.answers import CellFunction, Right, Wrong, judge
from workerlab.checks.ex03_the_thread_pool.tasks import check
from workerlab.checks.verdicts import Verdict

pytestmark = pytest.mark.slow

ASYNC = """
import asyncio, aiohttp, math, time
async def get(session, url):
    async with session.get(url) as response:
        return await response.json()
async def send(url, n):
    async with aiohttp.ClientSession() as session:
        return await asyncio.gather(*(get(session, url) for _ in range(n)))
def most(replies):
    edges = sorted([(r["began"], 1) for r in replies] + [(r["ended"], -1) for r in replies])
    now = high = 0
    for _, step in edges:
        now += step
        high = max(high, now)
    return high
"""
THREADS = """
import json, urllib.request
from concurrent.futures import ThreadPoolExecutor
def get(url):
    with urllib.request.urlopen(url) as reply:
        return json.load(reply)
def send(url, n):
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(get, [url] * n))
"""
FIRST = "    first = min(r['ended'] for r in replies)\n"

LIMITS = [
    # How many began before the first one ended.
    Right(
        ASYNC + "async def find_the_limit(url):\n    replies = await send(url, 41)\n" + FIRST + ""
        "    return sum(r['began'] < first for r in replies)\n"
    ),
    # The largest overlap, in sixty.
    Right(ASYNC + "async def find_the_limit(url):\n    return most(await send(url, 60))\n"),
    # The same with threads.
    Right(
        THREADS + "def find_the_limit(url):\n    replies = send(url, 50)\n" + FIRST + ""
        "    return len([r for r in replies if r['began'] < first])\n"
    ),
    # One more each time, until one has to wait.
    Right(
        ASYNC + "async def find_the_limit(url):\n"
        "    for n in range(1, 42):\n"
        "        replies = await send(url, n)\n"
        "        if max(r['began'] for r in replies) >= min(r['ended'] for r in replies):\n"
        "            return n - 1\n"
    ),
    # Twice as many each time, until some have to wait.
    Right(
        THREADS + "def find_the_limit(url, n=5):\n"
        "    replies = send(url, n)\n" + FIRST + ""
        "    running = sum(r['began'] < first for r in replies)\n"
        "    return running if running < n else find_the_limit(url, 2 * n)\n"
    ),
    # The first step of the staircase.
    Right(
        ASYNC + "async def find_the_limit(url):\n"
        "    begins = sorted(r['began'] for r in await send(url, 41))\n"
        "    gaps = [(b - a, i) for i, (a, b) in enumerate(zip(begins, begins[1:]), 1)]\n"
        "    return next(i for gap, i in gaps if gap > 0.6 * max(gap for gap, _ in gaps))\n"
    ),
    # With the kit, as in the lesson.
    Right(
        "from workerlab import burst\n"
        "async def find_the_limit(url):\n    return (await burst(url, n=41)).peak_overlap\n"
    ),
    Right(
        "from workerlab import burst\n"
        "async def find_the_limit(url):\n    run = await burst(url, n=41)\n"
        "    first = min(record.ended for record in run.records)\n"
        "    return sum(record.began < first for record in run.records)\n"
    ),
    # With a loop of its own, and NumPy.
    Right(
        ASYNC + "import numpy\ndef find_the_limit(url):\n"
        "    replies = asyncio.run(send(url, 41))\n"
        "    began = numpy.array([r['began'] for r in replies])\n"
        "    return (began < min(r['ended'] for r in replies)).sum()\n"
    ),
    Wrong("def find_the_limit(url):\n    return 40\n", "nothing-sent"),
    Wrong(
        "def find_the_limit(url):\n    from os import cpu_count\n    return cpu_count() + 4\n",
        "nothing-sent",
    ),
    Wrong(
        THREADS + "def find_the_limit(url):\n"
        "    replies = [get(url) for _ in range(10)]\n" + FIRST + ""
        "    return sum(r['began'] < first for r in replies)\n",
        "one-by-one",
    ),
    Wrong(
        THREADS + "import asyncio\n"
        "async def one(url):\n    return get(url)\n"
        "async def find_the_limit(url):\n"
        "    replies = await asyncio.gather(*(one(url) for _ in range(10)))\n" + FIRST + ""
        "    return sum(r['began'] < first for r in replies)\n",
        "blocking-client",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n    return most(await send(url, 15))\n",
        "too-few-sent",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n    return len(await send(url, 41))\n",
        "all-that-were-sent",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n"
        "    return math.ceil(41 / most(await send(url, 41)))\n",
        "counts-the-steps",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n    return most(await send(url, 41)) + 1\n",
        "off-by-one",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n"
        "    replies = await send(url, 41)\n" + FIRST + ""
        "    return 41 - sum(r['began'] < first for r in replies)\n",
        "another-number",
    ),
    Wrong(
        THREADS.replace("ThreadPoolExecutor(n)", "ThreadPoolExecutor(5)")
        + "def find_the_limit(url):\n    replies = send(url, 41)\n"
        + FIRST
        + "    return sum(r['began'] < first for r in replies)\n",
        "limit-of-the-client",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n"
        "    return len({r['thread'] for r in await send(url, 41)})\n",
        "same-for-both",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n"
        "    began = time.monotonic()\n    await send(url, 41)\n"
        "    return time.monotonic() - began\n",
        "seconds-not-handlers",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n    return await send(url, 41)\n",
        "replies-not-number",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n    return str(most(await send(url, 41)))\n",
        "text-not-number",
    ),
    Wrong(
        ASYNC + "async def find_the_limit(url):\n    print(most(await send(url, 41)))\n",
        "nothing-returned",
    ),
    Wrong("def find_the_limit(url):\n    __import__('time').sleep(600)\n", "never-ends"),
    Wrong("import sys\ndef find_the_limit(url):\n    sys.exit(3)\n", "ends-the-process"),
    Wrong(
        "import subprocess\ndef find_the_limit(url):\n"
        "    for _ in range(30): subprocess.Popen(['sleep', '600'], start_new_session=True)\n",
        "nothing-returned",
    ),
    Wrong("def find_the_limit(url):\n    return requests.get(url)\n", "needs-another-cell"),
    Wrong("def find_the_limit():\n    return 7\n", "raises"),
    Wrong("find_the_limit = 7\n", "not-a-function"),
]

APP = """
import time
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    BEFORE
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/wait")
def wait(seconds: float = 1):
    began = time.monotonic()
    time.sleep(seconds)
    return {"began": began, "ended": time.monotonic()}
"""
LIMITER = "anyio.to_thread.current_default_thread_limiter()"
SET = f"{LIMITER}.total_tokens = 60"


def filled(answer: str) -> str:
    return APP.replace("BEFORE", answer)


def changed(old: str, new: str, answer: str = SET) -> str:
    source = filled(answer)
    assert old in source
    return source.replace(old, new)


COROUTINE = changed("def wait", "async def wait")
ON_EVENT = f"@app.on_event('startup')\nasync def set_tokens():\n    {SET}\n\n\n"
ENDPOINT = '@app.get("/wait")'

APPS = [
    Right(filled(SET)),
    Right(filled(f"limiter = {LIMITER}\n    limiter.total_tokens += 20")),
    Right(
        filled(
            "from anyio import to_thread\n"
            "    setattr(to_thread.current_default_thread_limiter(), 'total_tokens', 60)"
        )
    ),
    Right(
        changed("(lifespan=lifespan)", "()", "pass").replace(ENDPOINT, ON_EVENT + ENDPOINT)
    ),  # the way of older apps
    Right(
        changed(
            "@asynccontextmanager",
            "class Pool:\n"
            "    def __init__(self, app): pass\n"
            f"    async def __aenter__(self): {SET}\n"
            "    async def __aexit__(self, *error): pass\n\n\n@asynccontextmanager",
            "pass",
        ).replace("=lifespan)", "=Pool)")
    ),
    Wrong(changed("app = FastAPI", f"{SET}\napp = FastAPI", "pass"), "at-import"),
    Wrong(filled("total_tokens = 60"), "nobody-reads-it"),
    Wrong(
        filled(
            "import asyncio\n    from concurrent.futures import ThreadPoolExecutor\n"
            "    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(60))"
        ),
        "executor-of-the-loop",
    ),
    Wrong(filled("limiter = anyio.CapacityLimiter(60)"), "limiter-of-your-own"),
    Wrong(changed("    yield", f"    yield\n    {SET}", "pass"), "at-shut-down"),
    Wrong(changed("(lifespan=lifespan)", "()"), "lifespan-not-handed-over"),
    Wrong(
        changed(ENDPOINT, ON_EVENT + ENDPOINT, "pass"),
        "on-event-beside-lifespan",
    ),
    Wrong(filled(SET.replace("60", "61")), "off-by-one"),
    Wrong(filled(SET.replace("60", "100")), "too-many"),
    Wrong(filled(SET.replace("=", "+=")), "added-to-the-forty"),
    Wrong(filled(SET.replace("60", "20")), "too-few"),
    Wrong(
        filled(
            "config = {'limit_concurrency': 60}  # as uvicorn --limit-concurrency\n"
            "    app.state.config = config"
        ),
        "limit-of-the-server",
    ),
    Wrong(
        changed(
            "app = FastAPI",
            f"import asyncio, threading\nasync def set_tokens():\n    {SET}\n"
            "thread = threading.Thread(target=lambda: asyncio.run(set_tokens()))\n"
            "thread.start()\nthread.join()\n\napp = FastAPI",
            "pass",
        ),
        "another-loop",
    ),
    Wrong(COROUTINE, "blocks-the-loop"),
    Wrong(
        COROUTINE.replace("time.sleep", "await anyio.sleep"),
        "not-in-the-pool",
    ),
    Wrong(changed("    began =", f"    {SET}\n    began =", "pass"), "fails-when-asked"),
    Wrong(changed('{"began": began, "ended": time.monotonic()}', '"waited"'), "reply-changed"),
    Wrong(filled(f"{SET}()"), "start-up-raises"),
    Wrong(filled("__import__('time').sleep(600)"), "never-comes-up"),
    Wrong(filled("import os; os._exit(3)"), "ends-the-process"),
    Wrong(filled(f"{SET}\n    app.routes.clear()") + "app.routes.clear()\n", "no-such-endpoint"),
    Wrong("app = 60\n", "not-an-app"),
]
COMMANDS = [
    Right("uvicorn app.main:app --workers 2 --port {port}"),
    Right("WEB_CONCURRENCY=2 python -m uvicorn app.main:app --port {port}"),
    Right(
        "gunicorn app.main:app -w 3 -k uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}",
    ),
    Right("env WORKERS=2 gunicorn app.main:app -c app/gunicorn_conf.py -b 127.0.0.1:{port}"),
    Right("gunicorn app.main:app --workers=2 --worker-class asgi --bind localhost:{port}"),
    Wrong("uvicorn app.main:app --port {port}", "one-worker"),
    Wrong("uvicorn app.main:app --workers 1 --loop asyncio --port {port}", "faster-loop"),
    Wrong("THREADS=100 uvicorn app.main:app --port {port}", "larger-pool"),
    Wrong("uvicorn app.main:app --limit-concurrency 4 --port {port}", "limit-on-requests"),
    Wrong("uvicorn app.main:app --reload --port {port}", "reloader"),
    Wrong("uvicorn app.main:app --reload --workers 2 --port {port}", "reloader"),
    Wrong("fastapi run app/main.py --workers 2 --port {port}", "fastapi-command"),
    Wrong("gunicorn app.main:app -w 2 -b {port}", "no-address"),
    Wrong("gunicorn app.main:app -c gunicorn_conf.py -w 2 -b 127.0.0.1:{port}", "does-not-start"),
    Wrong(
        "gunicorn app.main:app -k uvicorn_worker.UvicornWorker -b 127.0.0.1:{port}",
        "counts-the-master",
    ),
    Wrong("gunicorn app.main:app --workers 2 -b 127.0.0.1:{port}", "worker-class-for-wsgi"),
    Wrong("gunicorn app.main:app --threads 4 -b 127.0.0.1:{port}", "threads-of-gunicorn"),
    Wrong(
        "gunicorn app.main:app --threads 4 -k uvicorn_worker.UvicornWorker -b 127.0.0.1:{port}",
        "threads-of-gunicorn",
    ),
    Wrong("uvicorn app.main:app --workers 2 --host 0.0.0.0 --port {port}", "open-to-the-network"),
    Wrong(
        "UVICORN_HOST=0.0.0.0 uvicorn app.main:app --workers 2 --port {port}",
        "open-to-the-network",
    ),
    Wrong("uvicorn app.main:app --workers 2 --port 8000", "port-not-given"),
    Wrong(
        "uvicorn tests.helpers:app --workers 2 --port {port}",
        "another-app",
    ),
    Wrong(
        "uvicorn app.main:app --port {port} & uvicorn app.main:app --port {port}", "two-commands"
    ),
    Wrong("uvicorn app.main:app --processes 2 --port {port}", "no-such-option"),
    Wrong("gunicorn app.main:app --workers 2 --port {port}", "no-such-option"),
    Wrong("uvicorn app/main.py:app --workers 2 --port {port}", "file-instead-of-module"),
    Wrong("uvicorn app.main --workers 2 --port {port}", "no-app-named"),
    Wrong("fastapi-server app.main:app --workers 2 --port {port}", "no-such-command"),
    Wrong("uvicorn app.main:application --workers 2 --port {port}", "does-not-start"),
    Wrong("python -c 'import time; time.sleep(600)' {port}", "never-comes-up"),
    Wrong("sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 600 & done; wait' {port}", "never-comes-up"),
    Wrong(2, "not-a-text"),
]


async def in_a_loop(source: str) -> Any:
    """The app of a cell, executed as in a notebook: beside a running event loop."""
    return CellFunction("app")(source)


def app_of(source: str) -> Any:
    return asyncio.run(in_a_loop(source))


@pytest.mark.parametrize("answer", LIMITS, ids=repr)
def test_find_the_limit(answer):
    judge(check, 1, answer, CellFunction("find_the_limit"))


@pytest.mark.parametrize("answer", APPS, ids=repr)
def test_sixty_tokens(answer):
    judge(check, 2, answer, app_of)


@pytest.mark.parametrize("answer", COMMANDS, ids=repr)
def test_two_at_once(answer):
    judge(check, 3, answer)


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        (1, CellFunction("find_the_limit")("async def find_the_limit(url):\n    ...\n")),
        (2, CellFunction("app")(filled("..."))),
        (3, ...),
    ],
    ids=["task-1", "task-2", "task-3"],
)
def test_a_blank_is_not_attempted(task, answer):
    verdict: Verdict = check.judge(task, answer)
    assert verdict.outcome == "not attempted"


def test_every_task_has_three_hints():
    assert [len(hints) for hints in check.hints.values()] == [3, 3, 3]
