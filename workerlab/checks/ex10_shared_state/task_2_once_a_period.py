"""Exercise 10, task 2: one of three workers may run the job, and another when that one is killed.

The check has each worker call the function once for each period: in some periods in all workers at
once, in others in one after another. So no clock decides.
"""

import os
from multiprocessing.connection import Client, Connection
from signal import SIGKILL
from typing import Any

from workerlab.checks.answer import name_of, source_of
from workerlab.checks.app import serving
from workerlab.checks.function import refuse_no_function
from workerlab.checks.patience import Deadline, patience
from workerlab.checks.verdicts import Refused, Verdict, right, too_busy, wrong
from workerlab.server import Server

HINTS = [
    "Three workers ask for the same thing, and only one may get it. What does the operating system "
    "give to one process at a time, and take back when that process dies, however it dies?",
    "fcntl.flock: which flag makes it fail instead of wait? And what happens to the lock when the "
    "file is closed, or when nothing refers to it any more?",
    "Keep the open file in a global; `fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)` raises "
    "BlockingIOError in all workers but one: return False there.",
]
WORKERS = 3
PERIODS = 4  # before the kill, and after it
LIMIT = 1.5  # seconds for all workers to answer
MODULE = "workerlab.checks.ex10_shared_state.job_app"
COMMAND = (
    f"gunicorn {{module}}:app -c {{folder}}/conf.py --chdir {{folder}} --workers {WORKERS}"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
CONFIG = "from workerlab.checks import import_cell\n"
RAN = f"{PERIODS} periods in {WORKERS} workers; the one that ran the job is killed; {PERIODS} more"
EXPECTED = "True in one worker in each period, False in the others"
# The misconceptions: a sentence and a question.
MISTAKES = {
    "waits": (
        "A worker's call didn't return while another worker may run the job.",
        "Does your function wait for the lock, or does it return False?",
    ),
    "raises": (
        "Your function raised an exception in a worker.",
        "What is raised in a worker that doesn't get the lock, and who catches it?",
    ),
    "another-type": (
        "Your function should return True or False.",
        "What does it return in a worker that may run the job, and what in the others?",
    ),
    "in-every-worker": (
        "In each period, every worker may run the job.",
        "What tells your function that another worker has the job already?",
    ),
    "more-than-one": (
        "In one period, more than one worker may run the job.",
        "What can another worker do between your looking and your taking? Is the lock still held "
        "when your function has returned?",
    ),
    "nobody-runs": (
        "In one period, no worker may run the job.",
        "Which worker should it have been, and why did it get False?",
    ),
    "never-again": (
        "Since the worker that ran the job is dead, nobody runs it.",
        "What did that worker leave behind, and who takes it away?",
    ),
}


def check(may_run: Any) -> Verdict:
    """Serve the function in three workers, ask them, kill the one that had the job, ask again."""
    refuse_no_function(may_run)
    source = f"{source_of(may_run)}\n\nmay_run = {name_of(may_run)}\n"
    options = {"command": COMMAND, "files": {"conf.py": CONFIG}, "probe": True}
    with serving(source, MODULE, **options) as server:
        workers = server.wait_for_workers(WORKERS, timeout=patience(6.0))
        chosen = _asked(server, workers, range(1, PERIODS + 1))
        killed = chosen[-1]
        os.kill(killed, SIGKILL)
        try:
            workers = server.wait_for_workers(WORKERS, gone=killed, timeout=patience(6.0))
        except TimeoutError:
            return too_busy("the new worker was not ready in time")
        chosen += _asked(server, workers, range(PERIODS + 1, 2 * PERIODS + 1), after_kill=True)
    told = f"in {len(chosen)} periods one worker each, and none that had been killed"
    return right("the job runs once a period, and outlives its worker.", RAN, told)


def _asked(
    server: Server, workers: list[int], periods: range, *, after_kill: bool = False
) -> list[int]:
    """The pid that may run the job in each period. Raises Refused if it is not one worker."""
    connections = {pid: Client(str(server.folder / f"{pid}.sock")) for pid in workers}
    chosen = []
    try:
        rounds = [_ask(connections, period) for period in periods]
    finally:
        for connection in connections.values():
            connection.close()
    for period, results in zip(periods, rounds, strict=True):
        told = f"period {period}: {', '.join(map(str, results.values()))}"
        mays = [pid for pid, result in results.items() if result is True]
        if any(str(result).startswith("raised") for result in results.values()):
            raise _refused("raises", told)
        if not all(isinstance(result, bool) for result in results.values()):
            raise _refused("another-type", told)
        if all(all(results.values()) for results in rounds):
            raise _refused("in-every-worker", told)
        if len(mays) > 1:
            raise _refused("more-than-one", told)
        if not mays:
            never = after_kill and not any(any(results.values()) for results in rounds)
            raise _refused("never-again" if never else "nobody-runs", told)
        chosen += mays
    return chosen


def _ask(connections: dict[int, Connection], period: int) -> dict[int, Any]:
    """What each worker returns: called all at once in an odd period, else one after another."""
    results = {}
    for together in [list(connections)] if period % 2 else [[pid] for pid in connections]:
        for pid in together:
            connections[pid].send(period)
        deadline = Deadline(LIMIT)
        for pid in together:
            while not connections[pid].poll(0.1):
                if deadline.passed():
                    raise _refused("waits", f"period {period}: no answer within {LIMIT} s")
            results[pid] = connections[pid].recv()
    return results


def _refused(name: str, told: str) -> Refused:
    return Refused(wrong(name, *MISTAKES[name], ran=RAN, came_back=told, expected=EXPECTED))
