"""The bank of answers to exercise 07, task 1."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex07_how_many_workers import check

HEAD = "import math, os\ndef recommend_workers(cores, computing, worker_mb, memory_mb):\n"
CHECKED = (
    HEAD + "    if cores <= 0: raise ValueError('cores')\n"
    "    if not 0 < computing <= 1: raise ValueError('computing')\n"
    "    if worker_mb <= 0: raise ValueError('worker_mb')\n"
    "    if memory_mb < worker_mb: raise ValueError('memory_mb')\n"
)
ENOUGH = "math.ceil(cores / computing)"
FITS = "math.floor(memory_mb / worker_mb)"
ANSWER = f"    return min({ENOUGH}, {FITS})\n"


@bank(
    Wrong(HEAD + "    return 2 * cores + 1\n", "two-n-plus-one"),
    Wrong(CHECKED + f"    return min(int(2 * cores + 1), {FITS})\n", "two-n-plus-one"),
    Wrong(
        CHECKED + f"    return min(math.ceil(os.cpu_count() / computing), {FITS})", "own-machine"
    ),
    Wrong(CHECKED + f"    return min(math.ceil(cores), {FITS})\n", "computing-ignored"),
    Wrong(CHECKED + f"    return min(int(cores / computing), {FITS})\n", "rounds-down"),
    Wrong(CHECKED + f"    return {ENOUGH}\n", "memory-ignored"),
    Wrong(
        CHECKED + f"    return min({ENOUGH}, math.ceil(memory_mb / worker_mb))\n",
        "rounds-the-memory-up",
    ),
    Wrong(CHECKED + f"    return float(min({ENOUGH}, {FITS}))\n", "another-type"),
    # Refuses workers that compute all the time.
    Wrong(CHECKED.replace("<= 1:", "< 1:") + ANSWER, "another-number"),
    # Refuses memory for exactly one.
    Wrong(CHECKED.replace("memory_mb < worker", "memory_mb <= worker") + ANSWER, "another-answer"),
    # As in the lesson.
    Wrong(HEAD + f"    return max(1, min({ENOUGH}, {FITS}))\n", "nothing-refused"),
    # Makes possible numbers of impossible ones.
    Wrong(
        HEAD + "    cores, worker_mb = max(cores, 0.1), max(worker_mb, 1)\n"
        "    computing = min(max(computing, 0.01), 1)\n"
        f"    return max(1, min({ENOUGH}, {FITS}))\n",
        "another-answer",
    ),
    # Leaves a share of 0 to Python's ZeroDivisionError.
    Wrong(CHECKED.replace("not 0 < computing <= 1", "computing > 1") + ANSWER, "another-answer"),
    Wrong(CHECKED.replace("raise ValueError(", "return (") + ANSWER, "another-type"),
    Right(CHECKED + ANSWER),
    Right(CHECKED + "    return int(min(-(-cores // computing), memory_mb // worker_mb))\n"),
    Right(
        CHECKED + "    n = 1\n"
        "    while n * computing < cores and (n + 1) * worker_mb <= memory_mb:\n"
        "        n += 1\n    return n\n"
    ),
    Right(
        "import numpy as np\n" + CHECKED + "    waiting = (1 - computing) / computing\n"
        "    return np.int64(min(np.ceil(cores * (1 + waiting)), memory_mb // worker_mb))\n"
    ),
)
def test_task_1(case):
    judge(check, 1, case, from_cell("recommend_workers"))
