"""The checks of exercise 03: find the edge of the pool, move it, go beyond threads."""

from typing import Any

from workerlab.checks.ex03_the_thread_pool.task_1_find_the_limit import judge_limit
from workerlab.checks.ex03_the_thread_pool.task_2_sixty_tokens import judge_start_up
from workerlab.checks.ex03_the_thread_pool.task_3_two_at_once import judge_command
from workerlab.checks.exercise import Exercise
from workerlab.checks.verdicts import Verdict

check = Exercise("03")


@check.task(
    1,
    hints=[
        "If you send more requests than there are threads, which field of the replies shows "
        "that some of them waited?",
        "Two handlers run at the same moment if each began before the other ended. How many "
        "began before the very first of them ended?",
        "Send 41 requests with asyncio.gather, find the smallest ended among the replies, and "
        "count the replies whose began is smaller.",
    ],
)
def find_the_limit(function: Any) -> Verdict:
    return judge_limit(function)


@check.task(
    2,
    hints=[
        "Which function did lesson 03 print, before it started the server with 100 tokens?",
        "The part before the yield runs when the app starts. Which object counts the tokens, and "
        "how do you get hold of the one that FastAPI uses?",
        "anyio.to_thread.current_default_thread_limiter() gives you the limiter; set its "
        "total_tokens, before the yield.",
    ],
)
def sixty_tokens(app: Any) -> Verdict:
    return judge_start_up(app)


@check.task(
    3,
    hints=[
        "What can only one thread of a process have at a time, when it computes?",
        "A second process has a lock of its own. Which option of uvicorn starts several?",
        "The command of exercise 01, and behind it --workers with the number 2.",
    ],
)
def two_at_once(command: Any) -> Verdict:
    return judge_command(command)
