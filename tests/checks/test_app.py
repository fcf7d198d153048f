"""Cells with which no server comes up, and handlers that do not reply: by the first app of 02."""

import itertools
import linecache
import time

import psutil

from tests.answers import Wrong, bank, judge
from workerlab.checks.ex02_blocking_the_loop import check
from workerlab.checks.patience import MOST
from workerlab.server import guard_process

_cells = itertools.count(1)
TOP = "import asyncio, os, subprocess, sys, time\nfrom fastapi import FastAPI\napp = FastAPI()\n"
ASYNC = TOP + "@app.get('/report')\nasync def report():\n"
CHILDREN = TOP + "for _ in range(20):\n    subprocess.Popen(['sleep', '60'])\n"


def not_run(source):
    """A function whose cell has this source; unlike in a notebook, the cell has not been run."""
    file = f"<cell not run {next(_cells)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = {}
    exec(compile("def handler(): pass", file, "exec"), names)
    return names["handler"]


@bank(
    Wrong("import time\n", "name-missing"),
    Wrong("@app.get('/report')\nasync def report():\n    return 1\n", "needs-another-cell"),
    Wrong(ASYNC + "    await trio.sleep(0.5)\n", "needs-another-cell"),
    Wrong(TOP + "async def report(:\n", "syntax-error"),
    Wrong(TOP + "from asyncio import slumber\n", "import-error"),
    Wrong(CHILDREN + "1 / 0\n", "raises-at-import"),
    Wrong(CHILDREN + "raise SystemExit(3)\n", "ends-the-process"),
    Wrong(TOP + "os._exit(3)\n", "ends-the-process"),
    Wrong(CHILDREN + "while True:\n    time.sleep(1)\n", "never-comes-up"),
    Wrong(ASYNC.replace("/report", "/slow") + "    return 1\n", "endpoint-missing"),
    Wrong(ASYNC.replace("report()", "report(seconds: float)") + "    return 1\n", "asks-for-more"),
    Wrong(ASYNC + "    await asyncio.sleep('0.5')\n", "raises"),
    Wrong(ASYNC + "    while True:\n        pass\n", "never-answers"),
    Wrong(ASYNC + "    os._exit(3)\n", "ends-the-server"),
    Wrong(
        ASYNC + "    from fastapi.responses import StreamingResponse\n"
        "    return StreamingResponse(iter(lambda: b'x' * 1000, b''))\n",
        "never-answers",
    ),
    Wrong(
        ASYNC + "    from fastapi.responses import Response\n"
        "    return Response('ready', media_type='application/json')\n",
        "not-json",
    ),
)
def test_a_verdict_within_seconds_and_nothing_left(case):
    began = time.monotonic()
    judge(check, 1, case, not_run)
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
