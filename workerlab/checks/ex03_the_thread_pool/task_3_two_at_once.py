"""A command whose server computes two requests at the same time."""

import re
import time
from typing import Any

from workerlab.checks.command import served
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import NotKnown, Run
from workerlab.reports import reports
from workerlab.server import Server

HINTS = [
    "What can only one thread of a process hold at a time while it computes?",
    "A second process has its own lock. Which option of uvicorn starts several processes?",
    "The command of exercise 01, followed by --workers with the number 2.",
]
SECONDS = 0.5  # of CPU time, for each request
LOOKS = 3  # the first ones may come before all workers have started
EXPECTED = "two requests to /cpu, computed by two processes at the same time"

# Attempts at more speed that start no second worker: a pattern of the command, the misconception, a
# sentence, a question. The first row that matches is shown.
ONE_WORKER: list[tuple[str, str, str, str]] = [
    (
        r"\bTHREADS=|--threads",
        "larger-pool",
        "There are more threads, but still only one process that computes.",
        "Which kind of work did the threads of lesson 03 help with, and which kind didn't they?",
    ),
    (
        r"--reload|gunicorn",
        "counts-the-master",
        "There are two processes, but one of them only looks after the other.",
        "Which process computes, and how many of that kind are there?",
    ),
    (
        r"",
        "one-worker",
        "One process computed both, one after the other.",
        "How many processes does this command start, and how many locks are there?",
    ),
]


def check(command: Any) -> Verdict:
    """Launch the command, send a request, and a second one as soon as the first is computed."""
    began = time.monotonic()
    with served(command) as server:
        for _ in range(LOOKS):
            cpu = f"{server.url}/cpu?seconds={SECONDS}"
            try:
                run = run_coroutine(burst(cpu, n=2, after="began"))
            except NotKnown:  # a different app, which does not report
                run = run_coroutine(burst(cpu, n=2))
            if not _is_of_the_app(run):
                return _no_reply(command, server, run)
            processes, peak = len(run.by_worker), run.peak_overlap
            if processes == 2 and peak == 2:
                return right(
                    "two processes computed at the same time.",
                    command,
                    f"{processes} processes, {peak} handlers at once",
                )
            # One worker can do no better another time.
            if len(server.workers) < 2 and len(reports.workers_started(began)) < 2:
                return _one_worker(command)
    return too_busy("there are several workers, but none took the second request in time")


def _is_of_the_app(run: Run) -> bool:
    """Whether both replies are those of app.main, which name the worker."""
    return all(
        record.status == 200 and isinstance(record.reply, dict) and "worker_pid" in record.reply
        for record in run.records
    )


def _no_reply(command: str, server: Server, run: Run) -> Verdict:
    if any(record.status is None for record in run.records):
        return too_busy("a request to /cpu got no reply in time")
    details = {
        "ran": command,
        "came_back": " and ".join(f"status {record.status}" for record in run.records),
        "expected": EXPECTED,
    }
    if re.search(r"Using worker: (?:sync|gthread)", server.log):
        return wrong(
            "worker-class-for-wsgi",
            "This worker class calls the app the WSGI way, but the app speaks ASGI.",
            "Which worker class runs an event loop, so that it can serve FastAPI?",
            **details,
        )
    return wrong(
        "another-app",
        "The server answers, but not as app.main:app does.",
        "Which module and which object does your command name?",
        **details,
    )


def _one_worker(command: str) -> Verdict:
    mistake = next(row for said, *row in ONE_WORKER if re.search(said, command))
    came_back = "1 process, 1 handler at a time"
    return wrong(*mistake, ran=command, came_back=came_back, expected=EXPECTED)
