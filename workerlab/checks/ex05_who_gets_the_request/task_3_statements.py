"""Exercise 05, task 3: four statements on who gets the request, each tried by an experiment.

On a busy machine an experiment may be inconclusive, but never the opposite of what is true: what
counts is who answered while something else could not.
"""

import json
import os
import signal
from http.client import HTTPConnection, HTTPException
from typing import Any

from workerlab.checks.command import launched
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.statements import Misconception, Trial, judge_statements, refuse_form
from workerlab.checks.verdicts import Verdict
from workerlab.load import burst
from workerlab.server import Server

HINTS = [
    "Which experiment would come out differently if the statement were false?",
    'For a: server.signal("STOP") stops the master for a while, and server.signal("CONT") lets it '
    "continue. For b and d: block one worker with /slow and send quick requests while it is "
    "blocked. For c: an aiohttp session keeps its connection, and the replies name the worker.",
    'burst([f"{url}/slow?seconds=0.5", *[f"{url}/health"] * 40], after="began") blocks a worker '
    "and sends forty quick requests. Compare the worker of its first record with those of the "
    "others, for each of the two servers.",
]

COMMAND = (
    # Preloaded, the app is imported once and not four times; who gets what stays the same.
    "gunicorn app.main:app --preload --workers 4 --keep-alive 30"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
BLOCKED = (0.4, 2.0, 4.0)  # seconds; each after the first where the one before told nothing
QUICK = 40  # requests sent, at most, while a worker is blocked
ENOUGH = 12  # of them answered before it is free again

MISCONCEPTIONS = {
    "a": Misconception(
        "master-deals-in-turn",
        "Requests were answered while the master was stopped, so it isn't the master that hands "
        "them out.",
        "Who holds the listening socket besides the master, and what can they do with it?",
    ),
    "b": Misconception(
        "blocked-worker-accepts",
        "While the worker was blocked, the other three answered every request.",
        "Which thread would have to accept the connection, and what is it doing?",
    ),
    "c": Misconception(
        "connection-wanders",
        "All requests on the one connection went to the same worker.",
        "What does a worker accept: a request, or a connection?",
    ),
    "d": Misconception(
        "kernel-knows-who-is-busy",
        "The operating system gave a new connection to the blocked worker, and it had to wait.",
        "How does the system choose among several sockets, and does it know about your handlers?",
    ),
}


def check(answers: Any) -> Verdict:
    """Try the four statements and compare the answers with what was seen."""
    refuse_form(answers, MISCONCEPTIONS)
    with launched(COMMAND, "check") as server:
        trials = {
            "a": _while_master_is_stopped(server),
            "b": _while_blocked(server, "one socket for all", others_answer=True),
            "c": _through_one_connection(server),
        }
    with launched(f"{COMMAND} --reuse-port", "check") as server:
        trials["d"] = _while_blocked(server, "--reuse-port", others_answer=False)
    return judge_statements(answers, trials, MISCONCEPTIONS)


def _while_master_is_stopped(server: Server) -> Trial:
    """One request that is answered shows that the master isn't needed."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        run = run_coroutine(burst(f"{server.url}/health", 12, timeout=patience(4)))
    finally:
        os.kill(server.pid, signal.SIGCONT)
    answered = [record for record in run.records if record.ok]
    workers = {record.worker for record in answered}
    return Trial(
        False if answered else None,
        "12 requests at once while the master was stopped (SIGSTOP)",
        f"{len(answered)} of 12 answered, by {len(workers)} of the workers",
    )


def _while_blocked(server: Server, sockets: str, *, others_answer: bool) -> Trial:
    """Send quick requests, each on a connection of its own, while a handler blocks one worker.

    With `others_answer`, the statement holds once enough of them were answered before the blocked
    worker was free: had it taken one, the next would not have been sent before that. Otherwise it
    fails once it has taken one, which was answered only when the worker was free.
    """
    ran = f"a worker blocked by /slow, and quick requests, one after the other; {sockets}"
    for seconds in BLOCKED:
        # The first sends on when it has begun, each of the others when it is answered.
        urls = [f"{server.url}/slow?seconds={seconds}", *[f"{server.url}/health"] * QUICK]
        slow, *quick = run_coroutine(burst(urls, after="began", timeout=patience(8))).records
        if slow.began is None or slow.ended is None:
            continue
        during = [one for one in quick if one.ok and slow.began < one.sent < slow.ended]
        answered = [one for one in during if one.received < slow.ended]
        waited = [one for one in during if one.worker == slow.worker]
        if others_answer and len(answered) >= ENOUGH:
            return Trial(True, ran, f"{len(answered)} answered by others while it was blocked")
        if waited and not others_answer:
            return Trial(False, ran, f"one waited {waited[0].latency:.2f} s for the blocked worker")
    return Trial(None, ran, "")


def _through_one_connection(server: Server) -> Trial:
    """Send requests on one connection which is kept alive."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=patience(5))
    pids = set()
    try:
        connection.connect()
        connection.auto_open = 0  # where the server closes it, no other one is opened
        for _ in range(12):
            connection.request("GET", "/health")
            pids.add(json.load(connection.getresponse())["worker_pid"])
        holds = len(pids) == 1
    except (OSError, HTTPException):
        holds = None
    finally:
        connection.close()
    return Trial(holds, "12 requests on one connection", f"workers that answered: {len(pids)}")
