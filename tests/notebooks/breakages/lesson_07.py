"""What is broken in lessons/07_how_many_workers.ipynb."""

from tests.notebooks.breakages import AWAIT, Breakage, handler, main_py

START = ["imports", "cores", "predict"]
SWEEP = [*START, "server", "sweep"]
SHORT = ("lesson", "sorted({1, cores, cores + 1, formula})", "[1, formula]")
MEMORY = [*START, "model", "predict-walk", "preload", "see-memory"]

BREAKAGES = [
    Breakage(
        "one worker computes in threads",
        [SHORT, handler("/cpu", "async def", "def")],
        [*SWEEP, "claim-overlap"],
        {"claim-overlap"},
    ),
    Breakage(
        "computing handlers compute nothing",
        [SHORT, main_py("    end = time.thread_time() + seconds\n", "    return\n")],
        [*SWEEP, "reveal", "claim-bound"],
        {"claim-bound"},
    ),
    Breakage(
        "no worker is added",
        [SHORT, ("workerlab/workers.py", 'server.signal("TTIN")', "continue")],
        [*SWEEP, "reveal", "claim-overlap", "claim-bound", "claim-await", "claim-threads"],
        {"claim-overlap", "claim-bound", "claim-threads"},
    ),
    Breakage(
        "all workers are there from the start",
        [SHORT, ("lesson", "--workers 1", "--workers 4")],
        [*SWEEP, "claim-overlap", "claim-await", "claim-threads"],
        {"claim-overlap", "claim-await", "claim-threads"},
    ),
    Breakage(
        "the awaiting handler blocks, in a sweep",
        [SHORT, handler("/slow-await", AWAIT, "        time.sleep(seconds / 20)")],
        [*SWEEP, "claim-await", "claim-little"],
        {"claim-await", "claim-little"},
    ),
    Breakage(
        "plain def handlers have eighty threads",
        [SHORT, main_py("    yield\n", "    limiter.total_tokens = 80\n    yield\n")],
        [*SWEEP, "claim-threads"],
        {"claim-threads"},
    ),
    Breakage(
        "requests take a quarter of the time",
        [handler("/slow-await", AWAIT, "        await asyncio.sleep(seconds / 4)")],
        [*START, "server", "claim-little"],
        {"claim-little"},
    ),
    Breakage(
        "time that passes is taken for the client's CPU time",
        [SHORT, ("workerlab/load.py", "time.process_time()", "time.monotonic()")],
        [*SWEEP, "claim-client"],
        {"claim-client"},
    ),
    Breakage(
        "the client's CPU time is not measured",
        [SHORT, ("workerlab/load.py", "time.process_time() - cpu", "0.0")],
        [*SWEEP, "claim-client"],
        {"claim-client"},
    ),
    Breakage(
        "no preload",
        [("lesson", '" --preload"', '""')],
        [*MEMORY, "claim-memory", "claim-opened"],
        {"claim-memory", "claim-opened"},
    ),
    Breakage(
        "the bytes are not read",
        [("lesson", "WEIGHTS.count(1)", "0")],
        [*MEMORY, "claim-memory"],
        {"claim-memory"},
    ),
    Breakage(
        "the list is not walked",
        [("lesson", "sum(1 for value in TABLE if value)", "999_999")],
        [*MEMORY, "claim-memory", "claim-walk"],
        {"claim-walk"},
    ),
    Breakage(
        "no thread is started at import",
        [("lesson", "thread.start()\n", "")],
        [*MEMORY, "claim-opened"],
        {"claim-opened"},
    ),
    Breakage(
        "the affinity is not asked for",
        [("lesson", "len(os.sched_getaffinity(0)))", "0)")],
        ["imports", "ask-cores"],
        {"ask-cores"},
    ),
]
