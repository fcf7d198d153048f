"""What is broken in lessons/01_one_worker.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler, main_py

START = ["predict", "imports", "launch", "ready"]
EIGHT = [*START, "fetch", "eight"]

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
        "the awaiting handler runs in the thread pool",
        [handler("/slow-await", "async def", "def"), main_py(AWAIT, SLEEP)],
        [*EIGHT, "claim-overlap", "claim-thread"],
        {"claim-thread"},
    ),
    Breakage(
        "the handler's clock is wrong",
        [("workerlab/probe.py", '{"began": time.monotonic()', '{"began": time.monotonic() - 60')],
        [*START, "fetch", "one-by-one"],
        {"one-by-one"},
    ),
]
