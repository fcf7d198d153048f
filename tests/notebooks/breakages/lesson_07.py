"""What is broken in lessons/07_how_many_workers.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler, main_py

START = ["imports", "cores", "predict"]
SWEEP = [*START, "server", "megabytes", "sweep"]
SHORT = ("lesson", "[1, cores, cores + 1, formula, beyond]", "[1, cores]")
MEMORY = [*START, "megabytes", "model", "measure-model", "preload", "claim-memory", "claim-walk"]

BREAKAGES = [
    Breakage(
        "one worker computes in threads",
        [SHORT, handler("/cpu", "async def", "def")],
        [*SWEEP, "claim-overlap"],
        {"claim-overlap"},
    ),
    Breakage(
        "computing handlers compute nothing",
        [
            SHORT,
            ("lesson", "cores == 1 or others > 30", "True"),
            main_py("    end = time.thread_time() + seconds\n", "    return\n"),
        ],
        [*SWEEP, "reveal", "claim-growth", "claim-bound"],
        {"claim-bound"},
    ),
    Breakage(
        "no worker is added",
        [
            SHORT,
            ("lesson", 'server.signal("TTIN")', "continue"),
            ("lesson", "cores == 1 or others > 30", "False"),
            ("lesson", "computing[cores]", "computing[counts[1]]"),
        ],
        [*SWEEP, "claim-growth"],
        {"claim-growth"},
    ),
    Breakage(
        "the awaiting handler blocks, in a sweep",
        [SHORT, handler("/slow-await", AWAIT, SLEEP)],
        [*SWEEP, "claim-await"],
        {"claim-await"},
    ),
    Breakage(
        "latencies are halved",
        [
            SHORT,
            (
                "workerlab/records.py",
                "self.received - self.sent",
                "(self.received - self.sent) / 2",
            ),
        ],
        [*SWEEP, "claim-await", "claim-little"],
        {"claim-little"},
    ),
    Breakage(
        "time that passes is taken for the client's CPU time",
        [SHORT, ("workerlab/load.py", "time.process_time()", "time.monotonic()")],
        [*SWEEP, "claim-client"],
        {"claim-client"},
    ),
    Breakage(
        "no preload",
        [("lesson", "{command} --preload", "{command}")],
        MEMORY[:-1],
        {"claim-memory"},
    ),
    Breakage(
        "the list is not walked",
        [("lesson", "sum(1 for value in TABLE if value)", "len(TABLE)")],
        MEMORY,
        {"claim-walk"},
    ),
    Breakage(
        "the affinity is not asked for",
        [("lesson", "len(os.sched_getaffinity(0)))", "0)")],
        ["imports", "ask-cores"],
        {"ask-cores"},
    ),
]
