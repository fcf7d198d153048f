"""What is broken in lessons/13_your_own_app.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler

KNOWN = ["predict-known", "known", "claim-known"]
SHOP = [*KNOWN, "predict-shop", "shop-run", "claim-shop"]
CAPACITY = [*KNOWN, "predict-shop", "shop-run", "capacity", "claim-capacity"]
WORKERS = [*KNOWN, "predict-shop", "shop-run", "capacity", "workers", "claim-workers"]
COST = [*KNOWN, "predict-cost", "cost", "claim-cost"]
REST = [*KNOWN, "rest", "claim-rest"]
SIGNALS = "workerlab/report/experiments/signals.py"

BREAKAGES = [
    Breakage(
        "/slow awaits",
        [handler("/slow", SLEEP, AWAIT)],
        [*KNOWN, "claim-kinds", "claim-line"],
        {"claim-known", "claim-kinds", "claim-line"},
    ),
    Breakage(
        "/slow-await sleeps",
        [handler("/slow-await", AWAIT, SLEEP)],
        [*KNOWN, "claim-kinds"],
        {"claim-known", "claim-kinds"},
    ),
    Breakage(
        "no ping is ever late",
        [
            (
                "workerlab/report/client.py",
                "self._times.append(time.monotonic() - sent)",
                "self._times.append(0.0)",
            )
        ],
        KNOWN,
        {"claim-known"},
    ),
    Breakage(
        "the watch does not look into the pool",
        [("workerlab/report/inject/workerlab_watch.py", "elif ident != me", "elif ident == me")],
        [*KNOWN, "claim-kinds"],
        {"claim-kinds"},
    ),
    Breakage(
        "the line is where the function begins",
        [
            (
                "workerlab/report/inject/workerlab_watch.py",
                "{code.co_filename}:{line}",
                "{code.co_filename}:{code.co_firstlineno}",
            )
        ],
        [*KNOWN, "claim-line"],
        {"claim-line"},
    ),
    Breakage(
        "the list of products is short",
        [("app/shop.py", "range(20_000)", "range(20)")],
        SHOP,
        {"claim-shop"},
    ),
    Breakage(
        "the dependency of /profile is plain def",
        [("app/shop.py", "async def current_user", "def current_user")],
        SHOP,
        {"claim-shop"},
    ),
    Breakage(
        "the dependency of /orders is async def",
        [("app/shop.py", "def session", "async def session")],
        SHOP,
        {"claim-shop"},
    ),
    Breakage(
        "/products awaits",
        [
            (
                "app/shop.py",
                "def products():\n    return PRODUCTS",
                "async def products():\n    await asyncio.sleep(0.2)",
            )
        ],
        CAPACITY,
        {"claim-capacity"},
    ),
    Breakage(
        "/orders blocks",
        [("app/shop.py", "def session", "async def session")],
        CAPACITY,
        {"claim-capacity"},
    ),
    Breakage(
        "/profile blocks no longer",
        [("app/shop.py", "async def current_user", "def current_user")],
        WORKERS,
        {"claim-workers"},
    ),
    Breakage(
        "no worker is killed",
        [(SIGNALS, "app.signal(victim, signal.SIGKILL)", "pass")],
        COST,
        {"claim-cost"},
    ),
    Breakage(
        "the master gets no HUP",
        [
            (SIGNALS, "app.signal(app.master, signal.SIGHUP)", "pass"),
            (SIGNALS, "FOR_THE_WORKERS = 20.0", "FOR_THE_WORKERS = 4.0"),
        ],
        COST,
        {"claim-cost"},
    ),
    Breakage(
        "TERM drops what is in progress",
        [
            (
                "workerlab/report/experiments/several.py",
                '"--workers", str(WORKERS)]',
                '"--workers", str(WORKERS), "--graceful-timeout", "0"]',
            ),
            # On a busy machine the master takes its time: requests shall still be in progress.
            ("lesson", "?seconds=0.4", "?seconds=0.9"),
        ],
        COST,
        {"claim-cost"},
    ),
    Breakage(
        "there is one worker",
        [("workerlab/report/experiments/several.py", "WORKERS = 2", "WORKERS = 1")],
        COST,
        {"claim-cost"},
    ),
    Breakage(
        "the server is killed and not asked to stop",
        [
            (
                SIGNALS,
                "return app.stop(FOR_THE_END)",
                "return [app.signal(pid, signal.SIGKILL) for pid in app.pids] and app.stop(9)",
            )
        ],
        COST,
        {"claim-cost"},
    ),
    Breakage(
        "the pool has fifty threads",
        [
            (
                "app/main.py",
                "limiter = current_default_thread_limiter()",
                "limiter = current_default_thread_limiter()\n    limiter.total_tokens = 50",
            )
        ],
        REST,
        {"claim-rest"},
    ),
    Breakage(
        "the lifespan fails at its end",
        [("app/main.py", "    yield\n", "    yield\n    raise RuntimeError\n")],
        REST,
        {"claim-rest"},
    ),
]
