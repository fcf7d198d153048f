"""What is broken in lessons/01_one_worker.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler, main_py

START = ["predict", "imports", "launch", "ready"]
EIGHT = [*START, "fetch", "eight"]
ONE_BY_ONE = [*START, "fetch", "one-by-one", "claim-one-by-one"]

BREAKAGES = [
    Breakage(
        "the reply names another process",
        [handler("/", "os.getpid()", "os.getppid()")],
        [*START, "pid"],
        {"pid"},
    ),
    Breakage(
        "the awaiting handler blocks",
        [handler("/slow-await", AWAIT, SLEEP)],
        [*EIGHT, "claim-overlap", "claim-thread"],
        {"claim-overlap"},
    ),
    Breakage(
        "the handler does not wait at all",
        [handler("/slow-await", AWAIT, "        pass")],
        [*EIGHT, "claim-overlap", "claim-thread"],
        {"claim-overlap"},
    ),
    Breakage(
        "the eight are sent one by one",
        [
            (
                "lesson",
                "await asyncio.gather(*(fetch(session) for _ in range(n)))",
                "[await fetch(session) for _ in range(n)]",
            )
        ],
        [*EIGHT, "claim-overlap", "claim-thread"],
        {"claim-overlap"},
    ),
    Breakage(
        "the awaiting handler runs in the thread pool",
        [handler("/slow-await", "async def", "def"), main_py(AWAIT, SLEEP)],
        [*EIGHT, "claim-overlap", "claim-thread"],
        {"claim-thread"},
    ),
    Breakage(
        "there are two workers",
        [("lesson", '"--port", str(port)]', '"--port", str(port), "--workers", "2"]')],
        [*EIGHT, "pid", "claim-overlap", "claim-thread"],
        {"pid", "claim-thread"},
    ),
    Breakage(
        "the handler's clock is wrong",
        [("workerlab/probe.py", '{"began": time.monotonic()', '{"began": time.monotonic() - 60')],
        ONE_BY_ONE,
        {"claim-one-by-one"},
    ),
    Breakage(
        "one by one, the handler does not wait at all",
        [handler("/slow-await", AWAIT, "        pass")],
        ONE_BY_ONE,
        {"claim-one-by-one"},
    ),
]
