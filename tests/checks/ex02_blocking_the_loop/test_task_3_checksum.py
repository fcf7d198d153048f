from contextlib import nullcontext

import pytest

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.app import Seen
from workerlab.checks.ex02_blocking_the_loop import check
from workerlab.checks.ex02_blocking_the_loop.judging import refuse_blocked
from workerlab.checks.ex02_blocking_the_loop.task_3_checksum import CHECKSUMS, STEPS, checksum
from workerlab.checks.verdicts import Refused
from workerlab.records import Record

TOP = """
import asyncio, os, time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from fastapi import BackgroundTasks, FastAPI
from fastapi.concurrency import run_in_threadpool
app = FastAPI()
pool = ProcessPoolExecutor(2)
def checksum(seed):
    value = seed
    for _ in range(1_000_000):
        value = (value * 1103515245 + 12345) % 2147483648
    return value
"""
CHECKSUM = TOP + "@app.get('/checksum')\n"
ASYNC = CHECKSUM + "async def get_checksum(seed: int):\n"


@bank(
    Right(CHECKSUM + "def get_checksum(seed: int):\n    return {'checksum': checksum(seed)}\n"),
    Right(ASYNC + "    return {'checksum': await run_in_threadpool(checksum, seed)}\n"),
    Right(
        ASYNC + "    loop = asyncio.get_running_loop()\n"
        "    return {'checksum': await loop.run_in_executor(pool, checksum, seed)}\n"
    ),
    Right(
        ASYNC + "    value = seed\n    for step in range(1_000_000):\n"
        "        value = (value * 1103515245 + 12345) % 2147483648\n"
        "        if step % 20_000 == 0:\n            await asyncio.sleep(0)\n"
        "    return {'checksum': value}\n"
    ),
    Wrong(
        CHECKSUM + "def get_checksum(seed: int):\n    return {'checksum': 4711}\n", "fixed-value"
    ),
    Wrong(ASYNC + "    return {'checksum': checksum(seed)}\n", "still-blocks"),
    Wrong(
        ASYNC + "    await asyncio.sleep(0.1)\n    return {'checksum': checksum(seed)}\n",
        "still-blocks",
    ),
    Wrong(ASYNC + "    return {'checksum': run_in_threadpool(checksum, seed)}\n", "not-awaited"),
    Wrong(
        ASYNC + "    return {'checksum': pool.submit(checksum, seed).result()}\n",
        "joined-on-the-loop",
    ),
    Wrong(
        ASYNC + "    done = pool.submit(checksum, seed)\n    while not done.done():\n"
        "        time.sleep(0.005)\n    return {'checksum': done.result()}\n",
        "still-blocks",
    ),
    Wrong(
        CHECKSUM.replace("1_000_000", "15_000") + "def get_checksum(seed: int):\n"
        "    return {'checksum': checksum(seed)}\n",
        "another-checksum",
    ),
    Wrong(CHECKSUM + "def get_checksum(seed: int):\n    return checksum(seed)\n", "answer-changed"),
    Wrong(
        CHECKSUM + "async def get_checksum(seed: int, tasks: BackgroundTasks):\n"
        "    tasks.add_task(checksum, seed)\n    return {'status': 'started'}\n",
        "answered-before-done",
    ),
)
def test_task_3(case):
    judge(check, 3, case, from_cell("get_checksum"))


def test_the_checksums_are_those_of_the_given_function():
    assert f"range({STEPS:_})" in TOP
    assert {seed: checksum(seed, STEPS) for seed in CHECKSUMS} == CHECKSUMS


@pytest.mark.parametrize(("longest", "is_refused"), [(0.3, False), (1.5, True)])
def test_a_busy_machine_stretches_short_computations_and_a_sleep_stays_a_sleep(longest, is_refused):
    counts = {"looks": 80, "held": 75, "joined": 0, "computed": 0.05, "cpu": 1.2}
    seen = Seen([Record(sent=0.0, received=5.0)], watched={**counts, "longest": longest})
    with pytest.raises(Refused) if is_refused else nullcontext():
        refuse_blocked(seen, {}, most=0.17)
