from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex02_blocking_the_loop import check

TOP = """
import asyncio, threading, time
from concurrent.futures import ThreadPoolExecutor
from fastapi import BackgroundTasks, FastAPI
from fastapi.concurrency import run_in_threadpool
app = FastAPI()
two, one = asyncio.Semaphore(2), threading.Lock()
def sleep_alone():
    with one:
        time.sleep(0.5)
"""
REPORT = TOP + "@app.get('/report')\n"
ASYNC = REPORT + "async def report():\n"
READY = "    return {'report': 'ready'}\n"


@bank(
    Right(ASYNC + "    await asyncio.sleep(0.5)\n" + READY),
    Right(REPORT + "def report():\n    time.sleep(0.5)\n" + READY),
    Right(ASYNC + "    await run_in_threadpool(time.sleep, 0.5)\n" + READY),
    Right(
        ASYNC + "    loop = asyncio.get_running_loop()\n"
        "    await loop.run_in_executor(None, time.sleep, 0.5)\n" + READY
    ),
    Wrong(ASYNC + READY, "work-removed"),
    Wrong(ASYNC + "    time.sleep(0.5)\n" + READY, "still-blocks"),
    Wrong(
        TOP + "async def wait():\n    time.sleep(0.5)\n@app.get('/report')\n"
        "async def report():\n    await asyncio.create_task(wait())\n" + READY,
        "still-blocks",
    ),
    Wrong(ASYNC + "    await time.sleep(0.5)\n" + READY, "awaits-a-value"),
    Wrong(ASYNC + "    asyncio.sleep(0.5)\n" + READY, "not-awaited"),
    Wrong(ASYNC + "    await asyncio.sleep(0.5)\n    return 'ready'\n", "answer-changed"),
    Wrong(ASYNC + "    await asyncio.sleep(0.5)\n", "nothing-returned"),
    Wrong(
        REPORT + "async def report(tasks: BackgroundTasks):\n"
        "    tasks.add_task(time.sleep, 0.5)\n" + READY,
        "answered-before-done",
    ),
    Wrong(
        ASYNC + "    with ThreadPoolExecutor() as pool:\n"
        "        pool.submit(time.sleep, 0.5).result()\n" + READY,
        "joined-on-the-loop",
    ),
    Wrong(ASYNC + "    asyncio.run(asyncio.sleep(0.5))\n" + READY, "second-loop"),
    Wrong(ASYNC + "    await asyncio.sleep(5)\n" + READY, "too-slow"),
    Wrong(
        ASYNC + "    async with two:\n        await asyncio.sleep(0.5)\n" + READY,
        "one-at-a-time",
    ),
    Wrong(REPORT + "def report():\n    sleep_alone()\n" + READY, "one-at-a-time"),
)
def test_task_1(case):
    judge(check, 1, case, from_cell("report"))
