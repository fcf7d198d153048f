"""What is broken in lessons/02_blocking_the_loop.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler

START = ["predict", "launch"]
CURES = [*START, "cures", "claim-cures"]

BREAKAGES = [
    Breakage(
        "/slow does not block",
        [handler("/slow", SLEEP, AWAIT)],
        [*START, "eight", "claim-eight", "health-idle", "health-busy", "claim-health"],
        {"claim-eight", "claim-health"},
    ),
    Breakage(
        "/slow does not block, beside its cures",
        [handler("/slow", SLEEP, AWAIT)],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the first cure blocks",
        [handler("/slow-await", AWAIT, SLEEP)],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the second cure blocks",
        [handler("/slow-def", "def slow", "async def slow")],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the third cure blocks",
        [handler("/slow-to-thread", "await run_in_threadpool(time.sleep, seconds)", SLEEP.strip())],
        CURES,
        {"claim-cures"},
    ),
]
