"""What is broken in lessons/08_when_workers_fail.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler

START = ["predict", "launch"]
KILL = [*START, "kill", "see-kill", "claim-lost"]
HANG = [*START, "predict-hang", "hang", "claim-hang"]
WHO = [*START, "who", "who-runs", "claim-who"]
DROWN = [*START, "shop", "predict-drown", "drown", "claim-drown"]
COMPUTE = [*START, "lag", "report", "compute", "claim-compute"]
LIMIT = '" --limit-concurrency 16"'

BREAKAGES = [
    Breakage(
        "the worker is asked to leave and not killed",
        [("lesson", "signal.SIGKILL", "signal.SIGTERM")],
        [*KILL, "claim-memory"],
        {"claim-lost", "claim-memory"},
    ),
    Breakage(
        "a lost request is sent again in silence",
        [("workerlab/load.py", "session._retry_connection = False", "pass")],
        KILL,
        {"claim-lost"},
    ),
    Breakage(
        "all workers are killed and not the one",
        [("lesson", "os.kill(victim, ", "[os.kill(pid, signal.SIGKILL) for pid in before], (")],
        KILL,
        {"claim-lost"},
    ),
    Breakage(
        "there is no other worker that could answer",
        [("lesson", "--workers 4", "--workers 1")],
        [*KILL, "claim-gap"],
        {"claim-gap"},
    ),
    Breakage(
        "the handler awaits and does not block, under a time-out",
        [handler("/slow", SLEEP, AWAIT)],
        HANG,
        {"claim-hang"},
    ),
    Breakage(
        "timeout is long",
        [("lesson", "--timeout 3", "--timeout 30")],
        HANG,
        {"claim-hang"},
    ),
    Breakage(
        "no stack is written to the log",
        [("app/gunicorn_conf.py", "faulthandler.enable()", "")],
        HANG,
        {"claim-hang"},
    ),
    Breakage(
        "the search gives up the GIL",
        [("lesson", 're.match("(a|aa)+$", "a" * 60 + "b")', '__import__("time").sleep(6)')],
        WHO,
        {"who-runs", "claim-who"},
    ),
    Breakage(
        "Gunicorn waits for long",
        [
            ("lesson", "--timeout 3", "--timeout 30"),
            ("lesson", 're.match("(a|aa)+$", "a" * 60 + "b")', '__import__("time").sleep(6)'),
        ],
        WHO,
        {"who-runs", "claim-who"},
    ),
    Breakage(
        "all four workers are blocked",
        [("lesson", "n=3, after", "n=4, after")],
        [*START, "claim-health"],
        {"claim-health"},
    ),
    Breakage(
        "no worker is blocked",
        [handler("/slow", SLEEP, AWAIT)],
        [*START, "claim-health"],
        {"claim-health"},
    ),
    Breakage(
        "the pool has fifty connections",
        [("lesson", "Semaphore(5)", "Semaphore(50)")],
        DROWN,
        {"claim-drown"},
    ),
    Breakage(
        "there is no limit in either run",
        [("lesson", LIMIT, '""')],
        DROWN,
        {"claim-drown"},
    ),
    Breakage(
        "the handler awaits and does not compute",
        [("lesson", "    compute(0.02)", "    await __import__('asyncio').sleep(0.02)")],
        COMPUTE,
        {"claim-compute"},
    ),
    Breakage(
        "a loop that takes all the connections that wait",
        [("lesson", "report:app", "report:app --loop asyncio")],
        COMPUTE,
        {"claim-compute"},
    ),
]
