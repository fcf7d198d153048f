"""The bank of answers to exercise 04: each wrong one has its own misconception."""

import pytest

from tests.answers import CellFunction, Right, Wrong, judge
from workerlab.checks.ex04_many_workers.tasks import check

pytestmark = pytest.mark.slow

CLASS = "--worker-class uvicorn_worker.UvicornWorker"
BIND = "--bind 127.0.0.1:{port}"

COMMANDS = [
    Right(f"gunicorn app.main:app --workers 4 {CLASS} {BIND}"),
    Right("gunicorn -w 4 -k uvicorn_worker.UvicornWorker -b 127.0.0.1:{port} app.main:app"),
    Right(f"python -m gunicorn app.main:app --workers=4 {CLASS} {BIND} --log-level warning"),
    Right(f"gunicorn main:app --chdir app -w4 {CLASS} -b localhost:{{port}}"),
    Right(
        "gunicorn app.main:app -c app/gunicorn_conf.py -w 4 -b 127.0.0.1:{port}"
        " --access-logfile /dev/null"
    ),
    Right(f"env WORKERS=3 gunicorn app.main:app {CLASS} --workers 4 {BIND} --preload"),
    Right(f"WEB_CONCURRENCY=4 gunicorn app.main:app {CLASS} {BIND}"),
    Wrong(f"gunicorn app.main:app --workers 4 {BIND}", "sync-worker"),
    Wrong(f"gunicron -w 4 {CLASS} {BIND} app.main:app", "another-program"),
    Wrong(f"gunicorn app.main:app --workers 4 --threads 4 {BIND}", "threads-worker"),
    Wrong(f"gunicorn app.main:app --workers 4 -k asgi {BIND}", "gunicorns-own-asgi"),
    Wrong(
        f"gunicorn app.main:app -w 4 -k uvicorn.workers.UvicornWorker {BIND}", "deprecated-class"
    ),
    Wrong(f"gunicorn app.main:app -w 4 -k uvicorn_worker.UvicornH11Worker {BIND}", "h11-worker"),
    Wrong(f"gunicorn app.main:app -w 4 -k UvicornWorker {BIND}", "no-such-class"),
    Wrong("uvicorn app.main:app --workers 4 --port {port}", "uvicorn-alone"),
    Wrong(f"gunicorn app.main:app {CLASS} {BIND}", "wrong-number"),
    Wrong(f"gunicorn app.main:app --workers 5 {CLASS} {BIND}", "wrong-number"),
    Wrong(f"gunicorn app.main:app --workers 60 {CLASS} {BIND}", "wrong-number"),
    Wrong(f"gunicorn app.main:app -w 4 {CLASS} {BIND} --access-logfile -", "access-log-on"),
    Wrong(
        "gunicorn app.main:app -c app/gunicorn_conf.py -w 4 -b 127.0.0.1:{port}", "access-log-on"
    ),
    Wrong(
        f"gunicorn app.main:app -w 4 {CLASS} {BIND} --access-logfile None", "access-log-to-a-file"
    ),
    Wrong(f"gunicorn app.main:app -w 4 {CLASS} --bind 0.0.0.0:{{port}}", "open-to-the-network"),
    Wrong(f"gunicorn app.main:app -w 4 {CLASS} --bind :{{port}}", "open-to-the-network"),
    Wrong(f"gunicorn app.main:app -w 4 {CLASS} --bind 127.0.0.1:8000", "port-not-given"),
    Wrong(
        f"gunicorn app.main:app -w 4 {CLASS} --host 127.0.0.1 --port {{port}}",
        "option-of-uvicorn",
    ),
    Wrong(f"gunicorn app.main:app --worker 4 --warp {BIND}", "no-such-option"),
    Wrong(f"gunicorn app.main:application2 -w 4 {CLASS} {BIND}", "app-misspelt"),
    Wrong(f"gunicorn app.maim:app -w 4 {CLASS} {BIND}", "app-misspelt"),
    Wrong(f"gunicorn app.main -w 4 {CLASS} {BIND}", "no-app-named"),
    Wrong(f"gunicorn app/main.py:app -w 4 {CLASS} {BIND}", "file-instead-of-module"),
    Wrong(
        f"gunicorn tests.helpers:app -w 4 {CLASS} {BIND}",
        "another-app",
    ),
    Wrong(f"gunicron app.main:app -w 4 {CLASS} {BIND}", "another-program"),
    Wrong("python -m http.server {port} --bind 127.0.0.1", "another-program"),
    Wrong(f"gunicorn app.main:app -c nowhere.py -w 4 {CLASS} {BIND}", "does-not-start"),
    Wrong(["gunicorn", "app.main:app", BIND], "not-a-text"),
]

SEARCH = """
import os, psutil, subprocess, time
def listeners(port):
    found = []
    for process in psutil.process_iter():
        try:
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    found.append(process)
                    break
        except psutil.Error:
            pass
    return found
def top(port):
    held = listeners(port)
    pids = {process.pid for process in held}
    return next(process for process in held if process.ppid() not in pids)
def named():
    # Of this check's servers only: other tests run theirs at the same time.
    owner, found = psutil.Process(os.getppid()).parent(), []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if "-I" not in words and "gunicorn" in str(words) and owner in process.parents():
                found.append(process)
        except psutil.Error:
            pass
    return found
def master_and_workers(port):
"""

SEARCHES = [
    Right(
        SEARCH + "    held = {p.pid: p.ppid() for p in listeners(port)}\n"
        "    master = next(pid for pid in held if held[pid] not in held)\n"
        "    return master, [pid for pid in held if pid != master]\n"
    ),
    Right(SEARCH + "    return [top(port).pid, {child.pid for child in top(port).children()}]\n"),
    Right(
        "import json, psutil, urllib.request\n"
        "def master_and_workers(port):\n"
        "    url = f'http://127.0.0.1:{port}/'\n"
        "    pid = json.load(urllib.request.urlopen(url))['worker_pid']\n"
        "    master = psutil.Process(pid).parent()\n"
        "    return master.pid, sorted(child.pid for child in master.children())\n"
    ),
    Right(
        "import psutil\n"
        "async def master_and_workers(port):\n"
        "    pid = next(c.pid for c in psutil.net_connections() if c.status == 'LISTEN'\n"
        "               and c.laddr.port == port)\n"
        "    process = psutil.Process(pid)\n"
        "    master = process if process.children() else process.parent()\n"
        "    return master.pid, [child.pid for child in master.children()]\n"
    ),
    Wrong(
        SEARCH + "    return top(port).pid, [p.pid for p in listeners(port)]\n",
        "master-among-workers",
    ),
    Wrong(
        SEARCH + "    first, *others = reversed(listeners(port))\n"
        "    return first.pid, [p.pid for p in others]\n",
        "a-worker-for-the-master",
    ),
    Wrong(SEARCH + "    return top(port).pid, [top(port).children()[0].pid]\n", "not-all-workers"),
    Wrong(
        SEARCH + "    return top(port).children()[0].pid, [top(port).pid]\n",
        "master-and-worker-swapped",
    ),
    Wrong(
        SEARCH + "    return str(top(port).pid), [str(p.pid) for p in top(port).children()]\n",
        "text-not-number",
    ),
    Wrong(
        SEARCH + "    master = top(port).pid\n"
        "    return master, [p.pid for p in named() if p.pid != master]\n",
        "all-servers-mixed",
    ),
    Wrong(
        SEARCH + "    first = min(p.pid for p in named())\n"
        "    return first, [p.pid for p in psutil.Process(first).children()]\n",
        "another-server",
    ),
    Wrong(
        SEARCH + "    parent = top(port).parent()\n"
        "    return parent.pid, [p.pid for p in parent.children()]\n",
        "one-level-too-high",
    ),
    Wrong(SEARCH + "    return top(port).pid, []\n", "no-workers"),
    Wrong(
        SEARCH + "    workers = [p.pid for p in top(port).children()]\n"
        "    return top(port).pid, workers + workers\n",
        "a-worker-twice",
    ),
    Wrong(
        SEARCH + "    workers = [p.pid for p in top(port).children()]\n"
        "    return top(port).pid, [*workers, os.getpid()]\n",
        "others-among-workers",
    ),
    Wrong(
        SEARCH + "    return os.getpid(), [p.pid for p in top(port).children()]\n",
        "another-process",
    ),
    Wrong(SEARCH + "    return None, []\n", "no-master-found"),
    Wrong(SEARCH + "    return top(port), top(port).children()\n", "objects-not-pids"),
    Wrong(SEARCH + "    return [p.pid for p in listeners(port)]\n", "another-shape"),
    Wrong(SEARCH + "    top(port).pid, [p.pid for p in listeners(port)]\n", "nothing-returned"),
    Wrong(SEARCH + "    return psutil.Process(-port)\n", "raises"),
    Wrong("def master_and_workers(port):\n    return psutil.pids()\n", "needs-another-cell"),
    Wrong("def master_and_workers(port):\n    __import__('time').sleep(600)\n", "never-ends"),
    Wrong("import os\ndef master_and_workers(port):\n    os._exit(4)\n", "ends-the-process"),
    Wrong(
        SEARCH + "    for _ in range(40):\n"
        "        subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "    time.sleep(60)\n",
        "never-ends",
    ),
    Wrong("master_and_workers = (1, [2])\n", "not-a-function"),
]

FOUR = """
import asyncio, os, aiohttp
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

FOURS = [
    Right(FOUR + "    return await spaced(url, 0.2)\n"),
    Right(FOUR + "    return await spaced(url, 0.12)\n"),
    Right(
        FOUR + "    run = await burst(url, 4, after='began')\n"
        "    return [record.reply['worker_pid'] for record in run.records]\n"
    ),
    Right(FOUR + "    return set((await burst(url, 4, after='began')).by_worker)\n"),
    Right(
        FOUR + "    run = await steady(url, rate=5, seconds=0.8)\n"
        "    return [record.worker for record in run.records]\n"
    ),
    Right(
        "import json, time, urllib.request\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def ask(url):\n"
        "    return json.load(urllib.request.urlopen(url))['worker_pid']\n"
        "def four_on_four(url):\n"
        "    with ThreadPoolExecutor(4) as pool:\n"
        "        asked = []\n"
        "        for _ in range(4):\n"
        "            asked.append(pool.submit(ask, url))\n"
        "            time.sleep(0.2)\n"
        "        return tuple(future.result() for future in asked)\n"
    ),
    Wrong(FOUR + "    return await spaced(url, 0)\n", "all-at-once"),
    Wrong(FOUR + "    return list((await burst(url, 4)).by_worker)\n", "all-at-once"),
    Wrong(
        FOUR + "    async with aiohttp.ClientSession() as a, aiohttp.ClientSession() as b:\n"
        "        first = asyncio.gather(one(a, url), one(a, url))\n"
        "        await asyncio.sleep(0.2)\n"
        "        return [*await asyncio.gather(one(b, url), one(b, url)), *await first]\n",
        "some-at-once",
    ),
    Wrong(
        FOUR + "    run = await burst(url, 4, after='received')\n"
        "    return [record.reply['worker_pid'] for record in run.records]\n",
        "one-by-one",
    ),
    Wrong(
        FOUR + "    async with aiohttp.ClientSession() as session:\n"
        "        return [await one(session, url) for _ in range(4)]\n",
        "one-connection",
    ),
    Wrong(
        FOUR + "    limit = aiohttp.TCPConnector(limit=1)\n"
        "    async with aiohttp.ClientSession(connector=limit) as session:\n"
        "        return await asyncio.gather(*(one(session, url) for _ in range(4)))\n",
        "one-connection",
    ),
    Wrong(
        FOUR + "    run = await burst([url.replace('=1', '=0.3')], 1)\n"
        "    return (await spaced(url, 0.5))\n",
        "more-than-four",
    ),
    Wrong(FOUR + "    return await spaced(url, 0.6)\n", "too-far-apart"),
    Wrong(FOUR + "    return await spaced(url, 0.2, n=3)\n", "fewer-than-four"),
    Wrong(FOUR + "    return await spaced(url, 0.2, n=5)\n", "more-than-four"),
    Wrong(FOUR + "    return [101, 102, 103, 104]\n", "no-request"),
    Wrong(FOUR + "    await spaced(url, 0.2)\n    return [1, 2, 3, 4]\n", "other-numbers"),
    Wrong(FOUR + "    await spaced(url, 0.2)\n    return [os.getpid()] * 4\n", "own-process"),
    Wrong(FOUR + "    await spaced(url, 0.2)\n", "nothing-returned"),
    Wrong(FOUR + "    return (await spaced(url, 0.2))[:1]\n", "not-all-returned"),
    Wrong(FOUR + "    return [str(pid) for pid in await spaced(url, 0.2)]\n", "text-not-number"),
    Wrong(
        FOUR + "    run = await burst(url, 4, after='began')\n"
        "    return [record.reply for record in run.records]\n",
        "replies-not-pids",
    ),
    Wrong(FOUR + "    return await burst(url, 4, after='began')\n", "not-a-list"),
    Wrong(FOUR + "    return await spaced(url.partition('/slow')[0], 0.2)\n", "another-url"),
    Wrong(
        FOUR + "    async with aiohttp.ClientSession() as session:\n"
        "        tasks = []\n"
        "        for _ in range(4):\n"
        "            tasks.append(asyncio.create_task(one(session, url)))\n"
        "            await asyncio.sleep(0.1)\n"
        "        return [1, 2, 3, 4]\n",
        "not-waited-for",
    ),
    Wrong(FOUR + "    raise RuntimeError('no')\n", "raises"),
    Wrong(FOUR + "    return await httpx.get(url)\n", "needs-another-cell"),
    Wrong(FOUR + "    await asyncio.Event().wait()\n", "never-ends"),
    Wrong(FOUR + "    raise SystemExit(3)\n", "ends-the-process"),
    Wrong("four_on_four = [1, 2, 3, 4]\n", "not-a-function"),
]

HOLDS = """
def roles(rows, master):
    return {"master" if pid == master else "worker" for pid, _ in rows}
def inodes(rows):
    return {inode for _, inode in rows}
def who_holds(rows, master):
"""

HOLDERS = [
    Right(HOLDS + "    return roles(rows, master), len(inodes(rows))\n"),
    Wrong("who_holds = [lambda rows, master: ({'master'}, 1)][0]\n", "fixed-answer"),
    Right(
        "who_holds = lambda rows, master: (\n"
        "    {'master' if pid == master else 'worker' for pid, _ in set(rows)},\n"
        "    len({inode for _, inode in rows}),\n)\n"
    ),
    Right(
        "from collections import Counter\n"
        "def who_holds(rows, master):\n"
        "    found = []\n"
        "    if any(pid == master for pid, inode in rows):\n"
        "        found.append('master')\n"
        "    if any(pid != master for pid, inode in rows):\n"
        "        found.append('workers')\n"
        "    return found, len(Counter(inode for pid, inode in rows))\n"
    ),
    Right(
        "def who_holds(rows, master):\n"
        "    pids, numbers = map(set, zip(*rows))\n"
        "    found = {'master'} & ({'master'} if master in pids else set())\n"
        "    return (found | {'worker'} if pids - {master} else found, len(numbers))\n"
    ),
    Wrong(HOLDS + "    return roles(rows, master), len(rows)\n", "counts-holders"),
    Wrong(
        HOLDS + "    return roles(rows, master), len({p for p, _ in rows})\n", "counts-processes"
    ),
    Wrong(HOLDS + "    return roles(rows, master), 1\n", "always-one"),
    Wrong(HOLDS + "    return {'master'}, len(inodes(rows))\n", "master-only"),
    Wrong(HOLDS + "    return {'worker'}, len(inodes(rows))\n", "workers-only"),
    Wrong(HOLDS + "    return {'master', 'worker'}, len(inodes(rows))\n", "everybody-always"),
    Wrong(HOLDS + "    return roles(rows[:1], master), len(inodes(rows))\n", "first-row-only"),
    Wrong(
        HOLDS + "    swapped = {'worker' if pid == master else 'master' for pid, _ in rows}\n"
        "    return swapped, len(inodes(rows))\n",
        "roles-swapped",
    ),
    Wrong(HOLDS + "    return {'master', 'worker'}, 1\n", "fixed-answer"),
    Wrong(HOLDS + "    return len(inodes(rows)), roles(rows, master)\n", "the-other-way-round"),
    Wrong(HOLDS + "    return roles(rows, master), inodes(rows)\n", "sockets-not-counted"),
    Wrong(HOLDS + "    return {pid for pid, _ in rows}, len(inodes(rows))\n", "pids-not-roles"),
    Wrong(HOLDS + "    return len(inodes(rows))\n", "not-both"),
    Wrong(HOLDS + "    return {'arbiter'}, len(inodes(rows))\n", "other-words"),
    Wrong(HOLDS + "    return roles(rows, master), len(inodes(rows)) + 1\n", "another-count"),
    Wrong(HOLDS + "    return set(), len(inodes(rows))\n", "other-roles"),
    Wrong(
        HOLDS + "    listed = ['master' if pid == master else 'worker' for pid, _ in rows]\n"
        "    return listed, len(inodes(rows))\n",
        "a-role-for-each-row",
    ),
    Wrong(HOLDS + "    return object(), 1\n", "objects"),
    Wrong(HOLDS + "    roles(rows, master), len(inodes(rows))\n", "nothing-returned"),
    Wrong(HOLDS + "    return rows[master]\n", "raises"),
    Wrong(HOLDS + "    return server.listening()\n", "needs-another-cell"),
    Wrong(HOLDS + "    __import__('time').sleep(600)\n", "never-ends"),
    Wrong(HOLDS + "    exit(1)\n", "ends-the-process"),
    Wrong("who_holds = ({'master'}, 1)\n", "not-a-function"),
]


@pytest.mark.parametrize("answer", COMMANDS, ids=repr)
def test_gunicorn_command(answer):
    judge(check, 1, answer)


@pytest.mark.parametrize("answer", SEARCHES, ids=repr)
def test_master_and_workers(answer):
    judge(check, 2, answer, CellFunction("master_and_workers"))


@pytest.mark.parametrize("answer", FOURS, ids=repr)
def test_four_on_four(answer):
    judge(check, 3, answer, CellFunction("four_on_four"))


@pytest.mark.parametrize("answer", HOLDERS, ids=repr)
def test_who_holds(answer):
    judge(check, 4, answer, CellFunction("who_holds"))
