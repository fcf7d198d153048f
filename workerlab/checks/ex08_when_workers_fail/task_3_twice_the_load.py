"""Exercise 08, task 3: options for a server that is offered twice what it can do.

It is right by what is measured. It is wrong only for a reason that no busy machine can cause: how
many requests were in the app at once.
"""

from typing import Any

from workerlab.checks.command import refuse, served
from workerlab.checks.ex08_when_workers_fail.pool_app import POOL, SECONDS
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import steady
from workerlab.records import Run, peak_overlap
from workerlab.server.commands import workers_asked_for

HINTS = [
    "If n requests are in the app at once and it does 50 a second, how long does the last of them "
    "wait? And who tells the others that there is no room?",
    "Which option of Uvicorn answers 503 beyond a number of connections? It must be large enough "
    "to keep a pool of five busy, and small enough for the last one in to be done in time.",
    "--limit-concurrency 16 admits 15: five are with the pool, and the last of the ten behind "
    "them is done after 0.3 s.",
]
COMMAND = "uvicorn workerlab.checks.ex08_when_workers_fail.pool_app:app --port {port}"
CAPACITY = POOL / SECONDS  # requests per second
TIME_LIMIT = 1.0  # seconds, after which a client has gone
LOADED, FIRST = 3.0, 1.0  # seconds of load; the first is not judged: queues fill up
NEEDED = 0.8 * CAPACITY * (LOADED - FIRST)
# The most that are done within the time limit, with a tenth to spare.
MOST = round(0.9 * TIME_LIMIT * CAPACITY)
START_LIMIT = 8.0  # seconds
# Why the requests are not answered in time: a sentence and a question.
MISTAKES = {
    "several-workers": (
        "Each worker would open a pool of its own, and the database allows five connections.",
        "What is the bottleneck here, and does a second worker widen it?",
    ),
    "server-ends": (
        "Your server ended while it was under load.",
        "Which of your options tells it to end?",
    ),
    "no-limit": (
        "Your server lets every request in, so all wait, each longer than the one before.",
        "Twice as many come as leave. How long does the queue get, and what ends that?",
    ),
    "limit-too-high": (
        "Your server lets in so many that the last waits too long, or nearly so.",
        "If that many are inside and 50 leave each second, when is the last one done?",
    ),
    "limit-too-low": (
        "Your server lets in fewer requests than the pool can serve at once.",
        "How many must be in the app to keep five busy? Does the one that has just come count?",
    ),
}


def check(options: Any) -> Verdict:
    """Offer the app twice its capacity, and count what is answered in time."""
    refuse(f"{COMMAND} {options}" if isinstance(options, str) else options)
    command = f"{COMMAND} {options}"
    if "--workers" in command and (workers_asked_for(command) or 1) > 1:
        return wrong("several-workers", *MISTAKES["several-workers"], ran=command)
    with served(command, probe=True, timeout=patience(START_LIMIT)) as server:
        url = f"{server.url}/query"
        run = run_coroutine(steady(url, 2 * CAPACITY, LOADED, timeout=TIME_LIMIT))
        leaves = any("was refused" in str(r.error) for r in run.records)  # it listens no longer
    return _judge(run, command, leaves)


def _judge(run: Run, command: str, leaves: bool) -> Verdict:
    """By order: what no busy machine can cause, then what was measured."""
    judged = [record for record in run.records if record.sent >= run.records[0].sent + FIRST]
    good = sum(record.ok for record in judged)
    refused = sum(record.status == 503 for record in judged)
    inside = [(r.reached, r.ended or r.received) for r in run.records if r.reached is not None]
    most = peak_overlap(inside)
    details = {
        "ran": f"{command}\n{2 * CAPACITY:g} requests a second for {LOADED:g} s; the first second "
        "does not count",
        "came_back": f"of {len(judged)}, {good} answered within {TIME_LIMIT:g} s, {refused} "
        f"refused with 503; at most {most} in the app at once",
    }
    if leaves:
        mistake = "server-ends"
    elif most > MOST:
        mistake = "limit-too-high" if "--limit-concurrency" in command else "no-limit"
    elif good >= NEEDED:
        return right("at twice the load, the server still does what it can, in time.", **details)
    elif most < POOL:
        mistake = "limit-too-low"
    else:
        return too_busy(f"only {good} requests were answered in time")
    expected = f"at least {NEEDED:g} answered in time, and at most {MOST} in the app at once"
    return wrong(mistake, *MISTAKES[mistake], **details, expected=expected)
