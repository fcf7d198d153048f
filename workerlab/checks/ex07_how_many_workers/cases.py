"""The numbers with which task 1 of exercise 07 is tried.

A case is (cores, computing, worker_mb, memory_mb). Shares and quotas are chosen so that every
sensible order of floating-point operations comes to the same whole number.
"""

import math
import random

SEEN_CORES = 37  # what os.cpu_count() says where the function is called

Case = tuple[float, float, float, float]


def meant(cores: float, computing: float, worker_mb: float, memory_mb: float) -> int:
    """Enough workers to keep the cores computing, but no more than the memory holds."""
    return max(1, min(math.ceil(cores / computing), math.floor(memory_mb / worker_mb)))


# Enough memory for all, and nothing to round.
AMPLE: list[Case] = [
    (2.0, 1.0, 100, 10_000),
    (4.0, 0.5, 100, 10_000),
    (1.0, 0.25, 80, 8_000),
    (8.0, 0.5, 62.5, 10_000),
]
# Enough memory, and something to round. The first is a container with a quota of half a core.
FRACTIONS: list[Case] = [
    (0.5, 1.0, 100, 10_000),
    (1.25, 1.0, 100, 10_000),
    (5.0, 0.8, 100, 10_000),
    (3.0, 0.4, 100, 10_000),
    (1.5, 0.5, 100, 10_000),
    (2.0, 0.75, 100, 10_000),
]
# The memory decides.
TIGHT: list[Case] = [
    (4.0, 0.5, 100, 500),
    (4.0, 0.5, 100, 599),
    (8.0, 1.0, 150, 1_000),
    (2.0, 0.5, 100.0, 199.0),
    (2.0, 1 / 1024, 100, 1_000),
    (1.0, 0.5, 250, 250),
]
# Each has one number that cannot be right, and the word by which a message names it.
REFUSED: list[tuple[Case, str]] = [
    ((0.0, 0.5, 100, 1_000), "cores"),
    ((-2.0, 0.5, 100, 1_000), "cores"),
    ((2.0, 0.0, 100, 1_000), "computing"),
    ((2.0, -0.5, 100, 1_000), "computing"),
    ((2.0, 1.5, 100, 1_000), "computing"),
    ((2.0, 0.5, 0, 1_000), "worker"),
    ((2.0, 0.5, -100, 1_000), "worker"),
    ((2.0, 0.5, 100, 99), "memory"),
    ((2.0, 0.5, 100, 0), "memory"),
    ((2.0, 0.5, 100, -1_000), "memory"),
]


def random_cases(count: int = 200) -> list[Case]:
    """Many good cases, the same each time; for some the cores decide, for some the memory."""
    chance = random.Random(7)
    cases = []
    for _ in range(count):
        worker_mb = chance.randint(40, 400)
        fits, rest = chance.randint(1, 60), chance.randint(0, worker_mb - 1)
        # Quarters of a core, and a share of a half, a quarter, ...: exact in binary.
        cores, computing = chance.randint(1, 64) / 4, 1 / 2 ** chance.randint(0, 4)
        cases.append((cores, computing, worker_mb, fits * worker_mb + rest))
    return cases
