"""What is broken in lessons/04_many_workers.ipynb."""

from tests.notebooks.breakages import Breakage

START = ["predict", "launch"]

BREAKAGES = [
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
        "one worker and not four",
        [("lesson", "--workers 4", "--workers 1")],
        [*START, "four", "claim-four", "claim-master"],
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
        "the master replaces all workers and not the dead one alone",
        [("lesson", "os.kill(before[0], signal.SIGKILL)", "server.signal('HUP')")],
        [*START, "kill", "claim-kill"],
        {"claim-kill"},
    ),
]
