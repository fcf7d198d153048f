"""The checks of exercise 07: recommend a number, read a sweep, share memory and lose it again."""

from typing import Any

from workerlab.checks.ex07_how_many_workers.task_1_recommend_workers import judge_recommendation
from workerlab.checks.ex07_how_many_workers.task_2_bottleneck import judge_binding
from workerlab.checks.ex07_how_many_workers.task_3_preloading import judge_preloaded
from workerlab.checks.exercise import Exercise
from workerlab.checks.verdicts import Verdict

check = Exercise("07")


@check.task(
    1,
    hints=[
        "If a worker computes a quarter of its time, how many of them keep one core busy all the "
        "time? And how many keep three cores busy?",
        "There are two limits, one from the cores and one from the memory. Which of them rounds "
        "up, which rounds down, and which one counts in the end?",
        "After the four conditions with raise ValueError: math.ceil of cores divided by "
        "computing, math.floor of memory_mb divided by worker_mb, and min of the two.",
    ],
)
def recommend_workers(function: Any) -> Verdict:
    return judge_recommendation(function)


@check.task(
    2,
    hints=[
        "Three things can be used up, and each has a column. What is the limit of each column?",
        "In the last row: do the workers use 90 % of cores? Does the client use 90 % of its one "
        "core? If neither, did the last worker still bring more throughput?",
        "Take the last row and the one before. The workers' CPU against 0.9 x cores, then the "
        "client's against 0.9; then, if the throughput grew by 10 %, it is the memory that keeps "
        "you from going on, and else the handlers wait.",
    ],
)
def binding(function: Any) -> Verdict:
    return judge_binding(function)


@check.task(
    3,
    hints=[
        "Which setting makes the master import the app before it starts workers? And what does "
        "Python write into an object that it only looks at?",
        "A list holds a million objects, each with a reference count of its own. Which types hold "
        "plain numbers in one block of memory? And how many pages must you write to, to lose all?",
        "preload_app = True; array('d', [1.0]) * 5_000_000 at the top level; sum(data) in /read; "
        "in /write a loop over range(0, len(data), 100) that adds 1 to data[i].",
    ],
)
def preloading(answer: Any) -> Verdict:
    return judge_preloaded(answer)
