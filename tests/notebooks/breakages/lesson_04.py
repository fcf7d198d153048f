"""What is broken in lessons/04_many_workers.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler

START = ["imports", "launch", "predict"]
TOGETHER = [*START, "tries", "claim-together"]
FOUR = [*START, "four", "claim-four", "claim-master"]
KILL = [*START, "predict-kill", "kill", "claim-lost", "replaced", "claim-kill"]
ONE_WORKER = ("lesson", "--workers 4", "--workers 1")

BREAKAGES = [
    Breakage(
        "started by hand, one worker and not four",
        [ONE_WORKER],
        ["imports", "by-hand", "first-answer", "claim-children"],
        {"claim-children"},
    ),
    Breakage(
        "started by hand, a Uvicorn without a master",
        [
            (
                "lesson",
                "gunicorn app.main:app --workers 4 --bind 127.0.0.1:",
                "uvicorn app.main:app --port ",
            ),
            ("lesson", " --no-control-socket", ""),
            ("lesson", 'command += ["--worker-class", "uvicorn_worker.UvicornWorker"]', ""),
        ],
        ["imports", "by-hand", "first-answer", "claim-children"],
        {"claim-children"},
    ),
    Breakage(
        "the workers are of Gunicorn's own class for ASGI",
        [("lesson", "uvicorn_worker.UvicornWorker", "asgi")],
        [*START, "claim-uvicorn", "socket", "socket-claim", "four", "claim-four"],
        {"claim-uvicorn"},
    ),
    Breakage(
        "one worker and not four",
        [ONE_WORKER],
        [*START, "claim-uvicorn"],
        {"claim-uvicorn"},
    ),
    Breakage(
        "every worker has a socket of its own",
        [
            (
                "workerlab/server/launch.py",
                '["--control-socket"',
                '["--reuse-port", "--control-socket"',
            )
        ],
        [*START, "socket", "socket-claim"],
        {"socket", "socket-claim"},
    ),
    Breakage(
        "the socket of a single worker",
        [ONE_WORKER],
        [*START, "socket", "socket-claim"],
        {"socket", "socket-claim"},
    ),
    Breakage(
        "sent together, to one worker",
        [ONE_WORKER],
        TOGETHER,
        {"claim-together"},
    ),
    Breakage(
        "sent one by one and not together",
        [("lesson", '/slow?seconds=0.1", n=4', '/slow?seconds=0.1", n=4, after="received"')],
        TOGETHER,
        {"claim-together"},
    ),
    Breakage(
        "sent together, and each has a worker",
        [("lesson", '/slow?seconds=0.1", n=4', '/slow?seconds=0.1", n=4, after="began"')],
        TOGETHER,
        {"claim-together"},
    ),
    Breakage(
        "/slow awaits, so nobody who shares a worker waits",
        [handler("/slow", SLEEP, AWAIT)],
        TOGETHER,
        {"claim-together"},
    ),
    Breakage(
        "four requests to one worker",
        [ONE_WORKER],
        FOUR,
        {"claim-four", "claim-master"},
    ),
    Breakage(
        "four sent at once and not each upon the one before",
        [("lesson", ', after="began"', "")],
        [*START, "four", "claim-four"],
        {"claim-four"},
    ),
    Breakage(
        "the master seems to answer",
        [
            (
                "workerlab/probe.py",
                "{os.getpid()}",
                "{os.getpid() if moment == 'started' else os.getppid()}",
            )
        ],
        [*START, "four", "claim-master"],
        {"claim-master"},
    ),
    Breakage(
        "the server is stopped before its answers are compared with its workers",
        [("lesson", 'after="began")\nfour', 'after="began")\nserver.stop()\nfour')],
        [*START, "four", "claim-master"],
        {"claim-master"},
    ),
    Breakage(
        "nothing is killed",
        [("lesson", "os.kill(victim, signal.SIGKILL)", "")],
        [*START, "predict-kill", "kill", "claim-lost"],
        {"claim-lost"},
    ),
    Breakage(
        "the requests are over before the kill",
        [("lesson", "seconds=1.5", "seconds=0.05")],
        [*START, "predict-kill", "kill", "claim-lost"],
        {"claim-lost"},
    ),
    Breakage(
        "the master replaces all workers and not the dead one alone",
        [
            ("lesson", "os.kill(victim, signal.SIGKILL)", "server.signal('HUP')"),
            # Else the tree shows those that haven't left yet, on a busy machine.
            (
                "lesson",
                "after = server.wait_for_workers(4",
                "while {*before} & {*server.workers}: await asyncio.sleep(0.05)\n"
                "after = server.wait_for_workers(4",
            ),
        ],
        KILL,
        {"claim-lost", "claim-kill"},
    ),
]
