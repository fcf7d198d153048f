"""The bank of answers to exercise 03, task 2."""

import asyncio
from typing import Any

from fastapi import FastAPI

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex03_the_thread_pool import check

CELL = """
import anyio.to_thread


async def lifespan(app):
    BEFORE
    yield
"""
LIMITER = "anyio.to_thread.current_default_thread_limiter()"
SET = f"{LIMITER}.total_tokens = 60"
EXECUTOR = """import asyncio
    from concurrent.futures import ThreadPoolExecutor
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(60))"""


def filled(answer: str) -> str:
    return CELL.replace("BEFORE", answer)


def lifespan_of(source: str) -> Any:
    """The function of a cell, executed as in a notebook: beside a running event loop."""

    async def executed() -> Any:
        return from_cell("lifespan")(source)

    return asyncio.run(executed())


@bank(
    Right(filled(SET)),
    Right(filled(f"limiter = {LIMITER}\n    limiter.total_tokens += 20")),
    Right(
        filled(SET).replace(
            "async def",
            "from contextlib import asynccontextmanager\n@asynccontextmanager\nasync def",
        )
    ),
    Wrong(filled(SET.replace("total_tokens", "tokens")), "raises-at-import"),
    Wrong(filled("total_tokens = 60"), "still-forty"),
    Wrong(filled("anyio.CapacityLimiter(60)"), "still-forty"),
    Wrong(filled(EXECUTOR), "still-forty"),
    Wrong(filled("pass") + f"    {SET}\n", "at-shut-down"),
    Wrong(filled(SET.replace("60", "61")), "off-by-one"),
    Wrong(filled(SET.replace("=", "+=")), "too-many"),
    Wrong(filled(SET.replace("60", "20")), "too-few"),
    # In a notebook a loop is running; in a server that imports the cell, none is yet.
    Wrong(f"import anyio.to_thread\n{SET}\n{filled('pass')}", "raises-at-import"),
)
def test_task_2(case):
    judge(check, 2, case, lifespan_of)


def test_an_answer_to_the_task_as_it_was_before_is_not_judged():
    verdict = check.judge(2, FastAPI())
    assert verdict.outcome == "could not check" and "./learn reset 03" in verdict.sentence
