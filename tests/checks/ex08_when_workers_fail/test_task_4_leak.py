"""The bank of exercise 08, task 4."""

from tests.answers import Right, Wrong, bank, judge, run_cell
from workerlab.checks.ex08_when_workers_fail import check

KEPT = "    kept[number] = text\n"
APP = f"""
import asyncio
import gc
import os
import signal

from fastapi import FastAPI

app = FastAPI()
kept = {{}}

@app.get("/report")
async def report(number: int):
    if number in kept:
        return {{"number": number, "length": len(kept[number])}}
    await asyncio.sleep(0.01)
    text = "x" * 500_000
{KEPT}    return {{"number": number, "length": len(text)}}

settings = '''
worker_class = "uvicorn_worker.UvicornWorker"
LINES
'''
"""
RECYCLED = "max_requests = 60\nmax_requests_jitter = 30"
FORGETS = KEPT + "    if len(kept) > 20:\n        kept.pop(next(iter(kept)))\n"


def cell(lines: str = "", kept: str = KEPT) -> str:
    return APP.replace("LINES", lines).replace(KEPT, kept)


def made(source: str) -> tuple:
    names = run_cell(source)
    return names["report"], names["settings"]


@bank(
    Wrong(cell("max_requests = 60"), "no-jitter"),
    Right(cell(RECYCLED)),
    Right(cell(RECYCLED + "\npreload_app = True")),
    Right(cell(kept="")),
    Right(cell(RECYCLED, kept=FORGETS)),
    Wrong(cell(), "still-grows"),
    Wrong(cell("timeout = 5\ngraceful_timeout = 5"), "still-grows"),
    Wrong(cell(kept=KEPT + "    gc.collect()\n"), "still-grows"),
    Wrong(cell("max_request = 60\nmax_requests_jitter = 30"), "no-such-setting"),
    Wrong(cell("max_requests = 900\nmax_requests_jitter = 100"), "limit-too-high"),
    Wrong(cell("max_requests = 80\nmax_requests_jitter = 40"), "limit-too-high"),
    Wrong(cell("max_requests = 10\nmax_requests_jitter = 5"), "recycled-too-often"),
    Wrong(cell(kept=KEPT + "    if len(kept) > 30:\n        os._exit(0)\n"), "cut-off"),
    Wrong(
        cell(kept=KEPT + "    if len(kept) > 30:\n        os.kill(os.getpid(), signal.SIGKILL)\n"),
        "cut-off",
    ),
    Wrong(cell(kept="    text = text[:100]\n"), "another-reply"),
    Wrong(cell(kept="    await asyncio.sleep(60)\n"), "never-answers"),
    Wrong(cell('worker_class = "sync"'), "sync-worker"),
    Wrong(cell("raise ValueError"), "raises"),
    Wrong(cell(kept=KEPT + "    pop(kept)\n"), "another-reply"),
)
def test_task_4(case):
    judge(check, 4, case, made)
