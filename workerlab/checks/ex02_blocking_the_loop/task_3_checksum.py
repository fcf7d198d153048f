"""Task 3: a handler that computes. Three checksums at once, and /health is answered meanwhile.

The loop may not compute for as long as a checksum takes. That is CPU time, which says the same on a
busy machine.
"""

import time
from typing import Any

from workerlab.checks.ex02_blocking_the_loop.judging import (
    ask,
    loop_is_free,
    refuse_blocked,
    refuse_body,
)
from workerlab.checks.verdicts import Verdict, wrong

HINTS = [
    "Nothing waits here. Can `await` alone make a computation step aside?",
    "Which two of the cures in lesson 02 move the work off the loop's thread?",
    "def without async; or `await run_in_threadpool(checksum, seed)`; or, in a process, "
    "`await loop.run_in_executor(pool, checksum, seed)` with a ProcessPoolExecutor.",
]
CHECKSUMS = {17: 325555153, 4242: 1153226066, 987654: 1203571398}  # of these seeds
STEPS = 1_000_000
EXPECTED = "the checksum of each seed, and replies from /health while they are computed"


def check(answer: Any) -> Verdict:
    """Serve the cell, ask for three checksums, and judge the numbers, then the loop."""
    seen, details = ask(answer, [f"/checksum?seed={seed}" for seed in CHECKSUMS], EXPECTED)
    bodies = [reply.reply for reply in seen.replies]
    expected = [{"checksum": value} for value in CHECKSUMS.values()]
    for body, right_one in zip(bodies, expected, strict=True):
        if not (isinstance(body, dict) and set(body) == {"checksum"}):
            refuse_body(seen, body, right_one, details)
    if bodies == expected:
        refuse_blocked(seen, details, most=_seconds() / 2)
        return loop_is_free(details)
    details["came_back"], details["expected"] = (
        "\n".join(f"seed {s}: {b}"[:100] for s, b in zip(CHECKSUMS, values, strict=True))
        for values in (bodies, expected)
    )
    if bodies[0] == bodies[1] == bodies[2]:
        return wrong(
            "fixed-value",
            "Your app gives the same checksum for three different seeds.",
            "Where does the request's seed go?",
            **details,
        )
    return wrong(
        "another-checksum",
        "The checksum is not the one that the given function computes.",
        "Is the function still the one you were given, with all of its steps?",
        **details,
    )


def checksum(seed: int, steps: int) -> int:
    """The function that the task gives, where `steps` are STEPS."""
    value = seed
    for _ in range(steps):
        value = (value * 1103515245 + 12345) % 2147483648
    return value


def _seconds() -> float:
    """CPU time that one checksum takes on this machine."""
    began = time.thread_time()
    checksum(1, STEPS // 10)
    return 10 * (time.thread_time() - began)
