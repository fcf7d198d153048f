"""Exercise 10, task 2: one of three workers may run the job, and another when that one is killed.

The check has each worker call the function once for each period: in some periods in all workers at
once, in others in one after another. So no clock decides.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from multiprocessing.connection import Client, Connection
from typing import Any

from workerlab.checks.answer import name_of, source_of
from workerlab.checks.ex10_shared_state.slowed_workers import replace, slowed_workers
from workerlab.checks.function import refuse_no_function
from workerlab.checks.patience import Deadline
from workerlab.checks.verdicts import Refused, Verdict, right, wrong
from workerlab.server import Server

HINTS = [
    "Three workers ask for the same thing, and only one may get it. What does the operating system "
    "give to one process at a time, and take back when that process dies, however it dies?",
    "fcntl.flock: which flag makes it fail instead of wait? And what happens to the lock when the "
    "file is closed, or when nothing refers to it any more?",
    "Keep the open file in a global; `fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)` raises "
    "BlockingIOError in all workers but one: return False there.",
]
WORKERS, PERIODS = 3, 4  # as many periods before the kill as after it
LIMIT = 1.5  # seconds for all workers to answer
RAN = f"{PERIODS} periods in {WORKERS} workers; the one that ran the job is killed; {PERIODS} more"
EXPECTED = "True in one worker in each period, False in the others"
MISTAKES = {  # a sentence and a question
    "waits": (
        "A worker's call didn't return while another worker may run the job.",
        "Does your function wait for the lock, or does it return False?",
    ),
    "raises": (
        "Your function raised an exception in a worker, or ended it.",
        "What happens in a worker that doesn't get the lock, and what does the function do then?",
    ),
    "another-type": (
        "Your function should return True or False.",
        "What does it return in a worker that may run the job, and what in the others?",
    ),
    "more-than-one": (
        "In one period, more than one worker may run the job.",
        "Do all workers look at the same lock, and is it still held when your function has "
        "returned? What can another worker do between your looking and your taking?",
    ),
    "nobody-runs": (
        "In one period, no worker may run the job.",
        "Which worker should it have been, and why did it get False? If another one had the job "
        "before: what did that one leave behind?",
    ),
}


def check(may_run: Any) -> Verdict:
    """Serve the function in three workers, ask them, kill the one that had the job, ask again."""
    refuse_no_function(may_run)
    source = f"{source_of(may_run)}\n\nmay_run = {name_of(may_run)}\n"
    with slowed_workers(source, WORKERS) as server:
        runner = _asked(server, range(1, PERIODS + 1))
        replace(server, runner)
        _asked(server, range(PERIODS + 1, 2 * PERIODS + 1))
    told = f"{2 * PERIODS} periods, and True in one worker in each"
    return right("the job runs once a period, and outlives its worker.", RAN, told)


def _asked(server: Server, periods: Iterable[int]) -> int:
    """The worker that may run the job in the last of the periods.

    Raises Refused if it is not one worker in each.
    """
    with ExitStack() as stack:
        workers = {
            pid: stack.enter_context(Client(str(server.folder / f"{pid}.sock")))
            for pid in server.workers
        }
        for period in periods:
            results = _ask(workers, period)
            told = f"period {period}: {', '.join(map(str, results.values()))}"
            if not all(isinstance(result, bool) for result in results.values()):
                raise _refused("raises" if "raised" in told else "another-type", told)
            if sum(results.values()) != 1:
                raise _refused("more-than-one" if any(results.values()) else "nobody-runs", told)
    return max(results, key=results.__getitem__)


def _ask(workers: dict[int, Connection], period: int) -> dict[int, Any]:
    """What each worker returns: called all at once in an odd period, else one after another."""
    results = {}
    for together in [list(workers)] if period % 2 else [[pid] for pid in workers]:
        try:
            for pid in together:
                workers[pid].send(period)
            deadline = Deadline(LIMIT)
            for pid in together:
                while not workers[pid].poll(0.1):
                    if deadline.passed():
                        raise _refused("waits", f"period {period}: no answer within {LIMIT} s")
                results[pid] = workers[pid].recv()
        except (EOFError, OSError):
            raise _refused("raises", f"period {period}: a worker has ended") from None
    return results


def _refused(name: str, told: str) -> Refused:
    return Refused(wrong(name, *MISTAKES[name], ran=RAN, came_back=told, expected=EXPECTED))
