"""The known ways to get the number of workers wrong, as formulas."""

import math
import os
from collections.abc import Callable

from workerlab.checks.ex07_how_many_workers.cases import (
    AMPLE,
    FRACTIONS,
    SEEN_CORES,
    TIGHT,
    Case,
    meant,
)

Mistake = Callable[..., float]


def _enough(cores: float, computing: float, *memory: float) -> int:
    return math.ceil(cores / computing)


def _fits(cores: float, computing: float, worker_mb: float, memory_mb: float) -> int:
    return math.floor(memory_mb / worker_mb)


def _own_machine() -> list[Mistake]:
    """Formulas with the cores of the machine in the place of those asked about."""
    n = SEEN_CORES
    formulas: list[Mistake] = [lambda *case, n=n: n for n in (n, n + 1, 2 * n, 2 * n + 1)]
    counts = {n, os.cpu_count() or 1}  # a name which the cell has imported sees the true number
    return formulas + [lambda cores, *others, n=n: meant(n, *others) for n in counts]


def _either(formula: Mistake) -> list[Mistake]:
    """The formula, and the same with a lower limit of one."""
    return [formula, lambda *case: max(1, formula(*case))]


def mistakes_of(first: Case) -> list[tuple[str, str, str, list[Case], list[Mistake]]]:
    """The mistakes that a group of cases shows, known by its first case.

    Each is a misconception, a sentence, a question, the cases to compare, and the formulas of
    which one gives all the numbers that came back.
    """
    if first == AMPLE[0]:
        return _mistakes_in_the_formula()
    if first == FRACTIONS[0]:
        return _mistakes_in_rounding()
    return _mistakes_with_memory() if first == TIGHT[0] else []


def _mistakes_in_the_formula():
    return [
        (
            "two-n-plus-one",
            "Your function says 2 x cores + 1, whatever the workers do.",
            "For which share of computing is that about right? Where does it ask for the share?",
            AMPLE,
            [lambda cores, *others: 2 * cores + 1, lambda cores, *others: 2 * cores],
        ),
        (
            "own-machine",
            "Your function counts the cores of this machine, and not those it is asked about.",
            "May a container use all the cores that os.cpu_count() sees? Which argument tells?",
            AMPLE,
            _own_machine(),
        ),
        (
            "takes-the-larger",
            "Your function takes the larger one of two limits.",
            "If the memory holds 5 and the cores could use 8, how many can there be?",
            AMPLE + TIGHT,
            [lambda *case: max(_enough(*case), _fits(*case))],
        ),
        (
            "fills-the-memory",
            "Your function starts as many workers as the memory holds.",
            "What does one more worker do, once the cores compute all the time?",
            AMPLE,
            [_fits],
        ),
        (
            "computing-ignored",
            "Your function recommends one worker for each core, also where workers wait.",
            "What does a core do while its one worker waits for a reply?",
            AMPLE,
            [lambda cores, *others: cores, lambda cores, *others: cores + 1],
        ),
        (
            "multiplies",
            "Your function recommends fewer workers where each of them computes less.",
            "If a worker computes half of its time, how many keep one core busy?",
            AMPLE,
            [
                lambda cores, computing, *memory: math.ceil(cores * computing),
                lambda cores, computing, *memory: cores * computing,
                lambda cores, computing, *memory: max(1, math.floor(cores * computing)),
            ],
        ),
        (
            "cores-ignored",
            "Your function says how many workers keep one core busy.",
            "And how many cores are there?",
            AMPLE,
            [lambda cores, computing, *memory: math.ceil(1 / computing)],
        ),
        (
            "one-too-many",
            "Your function recommends one worker more than keep the cores computing.",
            "With 2 cores and workers that always compute, what is there for a third one to do?",
            AMPLE,
            [lambda *case: _enough(*case) + 1],
        ),
        (
            "always-the-same",
            "Your function says the same of different servers.",
            "Which of the four numbers does your answer come from?",
            AMPLE,
            [lambda *case, n=n: n for n in range(20)],
        ),
    ]


def _mistakes_in_rounding():
    return [
        (
            "rounds-down",
            "Your function rounds down, and the cores are not kept busy.",
            "If 6 workers are too few and 7 are enough, which do you recommend?",
            FRACTIONS,
            _either(lambda cores, computing, *memory: math.floor(cores / computing)),
        ),
        (
            "rounds-to-the-nearest",
            "Your function rounds to the nearest number, and that may be too few.",
            "If 6.25 workers would keep the cores computing, are 6 enough?",
            FRACTIONS,
            _either(lambda cores, computing, *memory: round(cores / computing)),
        ),
        (
            "cuts-the-quota",
            "Your function makes a whole number of the cores before it divides.",
            "How many workers keep one and a half cores busy, if each computes half of its time?",
            FRACTIONS,
            _either(lambda cores, computing, *memory: math.ceil(int(cores) / computing)),
        ),
        (
            "rounds-too-early",
            "Your function rounds before it is done, and so comes to too many.",
            "Which numbers have to be whole: those on the way, or the answer?",
            FRACTIONS,
            [
                lambda cores, computing, *memory: math.ceil(math.ceil(cores) / computing),
                lambda cores, computing, *memory: math.ceil(cores * math.ceil(1 / computing)),
                lambda cores, computing, *memory: math.ceil(cores) * math.ceil(1 / computing),
            ],
        ),
    ]


def _mistakes_with_memory():
    return [
        (
            "memory-ignored",
            "Your function recommends more workers than the memory holds.",
            "What happens to a server whose workers need more memory than there is?",
            TIGHT,
            [_enough],
        ),
        (
            "rounds-the-memory-up",
            "Your function recommends a worker for which there is only a part of the memory.",
            "How many workers of 100 MB fit into 599 MB?",
            TIGHT,
            [
                lambda *case: min(_enough(*case), math.ceil(case[3] / case[2])),
                lambda *case: min(_enough(*case), round(case[3] / case[2])),
            ],
        ),
        (
            "leaves-room-for-one",
            "Your function recommends one worker fewer than fit.",
            "What is memory_mb for: all programs of the machine, or the workers together?",
            TIGHT,
            _either(lambda *case: min(_enough(*case), _fits(*case) - 1)),
        ),
    ]
