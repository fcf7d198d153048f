"""What is broken in lessons/02_blocking_the_loop.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler

START = ["predict", "launch", "sent-together"]
EIGHT = [*START, "eight", "claim-eight"]
HEALTH = [*START, "predict-health", "health-idle", "health-busy", "claim-health"]
CURES = [*START, "predict-def", "cures", "checks-during", "claim-cures"]
FOUND = [*CURES[:-1], "shop", "found", "claim-found"]
MOSTLY = f"{AWAIT[:-1]} * 0.2)\n{SLEEP[:-1]} * 0.8)"
PAUSE = "    await asyncio.sleep(0.6)\n    return"

BREAKAGES = [
    Breakage(
        "/slow does not block",
        [handler("/slow", SLEEP, AWAIT)],
        [*EIGHT, *HEALTH[3:]],
        {"claim-eight", "claim-health"},
    ),
    Breakage(
        "/slow returns at once",
        [handler("/slow", SLEEP, "        pass")],
        [*EIGHT, *HEALTH[3:]],
        {"claim-eight", "claim-health"},
    ),
    Breakage(
        "the eight are sent one by one",
        [("lesson", "n=8)", 'n=8, after="received")')],
        EIGHT,
        {"claim-eight"},
    ),
    Breakage(
        "the health checks wait for each other",
        [
            (
                "lesson",
                'steady(f"{server.url}/health", rate=10, seconds=1.5)',
                'burst(f"{server.url}/health", n=15, after="received")',
            )
        ],
        HEALTH,
        {"claim-health"},
    ),
    Breakage(
        "/health is slow by itself",
        [handler("/health", "    return", PAUSE)],
        HEALTH,
        {"claim-health"},
    ),
    Breakage(
        "/health is slow by itself, and /slow does not block",
        [handler("/health", "    return", PAUSE), handler("/slow", SLEEP, AWAIT)],
        HEALTH,
        {"claim-health"},
    ),
    Breakage(
        "/slow does not block, beside its cures",
        [handler("/slow", SLEEP, AWAIT)],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "/slow returns at once, beside its cures",
        [handler("/slow", SLEEP, "        pass")],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the four are sent one by one",
        [("lesson", "n=n)", 'n=n, after="received")')],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the health checks beside the cures wait for each other",
        [
            (
                "lesson",
                "steady(server.url + health, rate=50, seconds=1)",
                'burst(server.url + health, n=50, after="received")',
            )
        ],
        [*CURES, "shop", "found", "claim-found"],
        {"claim-cures", "claim-found"},
    ),
    Breakage(
        "the first cure blocks",
        [handler("/slow-await", AWAIT, SLEEP)],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the first cure blocks for most of its time",
        [handler("/slow-await", AWAIT, MOSTLY)],
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
    Breakage(
        "the query is quick",
        [("lesson", "sleep(0.5)", "sleep(0)")],
        FOUND,
        {"claim-found"},
    ),
    Breakage(
        "the synchronous session is used in plain def only",
        [("lesson", "async def orders(", "def orders(")],
        FOUND,
        {"claim-found"},
    ),
    Breakage(
        "the synchronous session is used in async def only",
        [("lesson", "def orders_def(", "async def orders_def(")],
        FOUND,
        {"claim-found"},
    ),
]
