"""Exercise 07, task 1: a function that recommends a number of workers.

A call is (cores, computing, worker_mb, memory_mb). Its numbers are drawn afresh on each check, and
so that every sensible order of floating-point operations comes to the same whole number.
"""

import math
import os
from random import choice, randint, sample
from typing import Any

from workerlab.checks.answer import name_of
from workerlab.checks.function import Mistake, Part, judge_function
from workerlab.checks.verdicts import Verdict, right

FORM = 2
HINTS = [
    "If a worker computes a quarter of the time, how many of them keep one core busy all the "
    "time? And how many keep three cores busy?",
    "The cores set a limit, and so does the memory. Which one is rounded up, and which one counts?",
    "After the four conditions with raise ValueError: math.ceil of cores divided by computing, "
    "math.floor of memory_mb divided by worker_mb, and min of the two.",
]


def check(answer: Any) -> Verdict:
    """Call the function where the cores decide; then where the memory does, or it must raise."""
    for calls, part in [(ample(), CORES), (tight() + impossible(), MEMORY)]:
        verdict = judge_function(answer, calls, [part])
        if verdict.outcome != "right":
            return verdict
    return right(
        "your function returns the right number, or raises ValueError for an invalid argument.",
        f"{name_of(answer)}(cores, computing, worker_mb, memory_mb), with numbers drawn afresh",
    )


def ample() -> list[tuple[float, ...]]:
    """Calls with memory for hundreds of workers, so that the cores decide."""
    cores_and_computing = [
        (randint(2, 8), choice([0.125, 0.25, 0.5])),
        (choice([4, 7, 10]), 0.75),  # a third of a worker more than a whole number
        (0.5, 0.25),  # a container with a quota of half a core
        (randint(1, 4) + 0.5, 0.5),
        (choice([3, 5, 7]) + 0.5, 1.0),  # which round() takes up
    ]
    return [(*one, 100, 100 * randint(200, 900)) for one in cores_and_computing]


def tight() -> list[tuple[float, ...]]:
    """Calls in which the memory decides."""
    mb = 10 * randint(5, 20)
    memory = [randint(3, 6) * mb - 1, randint(6, 9) * mb, mb]
    return [(n, 0.5, mb, most) for n, most in zip(sample(range(6, 12), 3), memory, strict=True)]


def impossible() -> list[tuple[float, ...]]:
    """Calls with one argument that cannot be right."""
    good = (randint(2, 8), 0.5, 100, 100 * randint(20, 50))
    invalid = [(0, 0), (0, -2), (1, 0), (1, -0.5), (1, 1.5), (2, 0), (2, -100), (3, 99), (3, 0)]
    return [(*good[:place], number, *good[place + 1 :]) for place, number in invalid]


def enough(cores: float, computing: float, *memory: float) -> int:
    """The smallest number of workers that can keep the cores computing all the time."""
    return math.ceil(cores / computing)


def recommended(cores: float, computing: float, worker_mb: float, memory_mb: float) -> int:
    """What the task asks for. Raises ValueError."""
    if cores <= 0 or not 0 < computing <= 1 or worker_mb <= 0 or memory_mb < worker_mb:
        raise ValueError("one of the arguments is invalid")
    return min(enough(cores, computing), math.floor(memory_mb / worker_mb))


CORES = Part(
    recommended,
    # Also 5.0, so that 2 x 1.5 + 1 is judged by its value.
    lambda value: isinstance(value, int | float) and value % 1 == 0,
    "a whole number",
    "another-number",
    {
        "two-n-plus-one": Mistake(
            lambda cores, *others: int(2 * cores + 1),
            "Your function returns 2 x cores + 1, whatever the workers do.",
            "For which value of computing is that about right? Where does the formula use it?",
        ),
        "own-machine": Mistake(
            lambda cores, *others: recommended(os.cpu_count() or 1, *others),
            "Your function counts this machine's cores and not the ones it is given.",
            "May a container use all the cores that os.cpu_count() sees? Which argument tells?",
        ),
        "computing-ignored": Mistake(
            lambda cores, *others: math.ceil(cores),
            "Your function recommends one worker for each core, even where workers wait.",
            "What does a core do while its one worker waits for a reply?",
        ),
        "rounds-down": Mistake(
            lambda cores, computing, *memory: math.floor(cores / computing),
            "Your function rounds down, so a core is idle some of the time.",
            "If 6 workers are too few and 7 are enough, which do you recommend?",
        ),
    },
)
MEMORY = Part(
    recommended,
    lambda value: isinstance(value, int),
    "an int, or raise ValueError",
    "another-answer",
    {
        "memory-ignored": Mistake(
            lambda *call: recommended(*call) and enough(*call),
            "Your function recommends more workers than the memory holds.",
            "What happens to a server whose workers need more memory than there is?",
        ),
        "nothing-refused": Mistake(
            lambda cores, computing, mb, most: max(1, min(enough(cores, computing), most // mb)),
            "Your function never raises a ValueError.",
            "What does it return if there are no cores? Who would notice, and when?",
        ),
        "rounds-the-memory-up": Mistake(
            lambda *call: recommended(*call) and min(enough(*call), math.ceil(call[3] / call[2])),
            "Your function recommends a worker for which only part of the memory is left.",
            "How many workers of 100 MB fit into 599 MB?",
        ),
    },
)
