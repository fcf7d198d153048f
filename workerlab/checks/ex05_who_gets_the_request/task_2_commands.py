"""Exercise 05, task 2: servers among which eight requests are shared evenly, whatever chance does.

The reader writes commands; the app blocks, and the client sends all eight requests at once. Only
servers of one worker each leave nothing to chance, so the number of workers of each server decides,
and not how this one run went.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from workerlab.checks.command import refuse, served
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, asked_anew, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Run
from workerlab.server import Server
from workerlab.server.commands import workers_asked_for

FORM = 2
WORKERS, REQUESTS = 4, 8
SECONDS = 0.1  # for which a handler blocks
TIMEOUT = 6.0  # seconds for a reply, on an idle machine

HINTS = [
    "Which worker of a Gunicorn gets a connection, and who decides that? Who decides it when "
    "there are several servers?",
    "The client sends each server the same number of requests. What would each server have to "
    "look like for those requests to have only one place to go?",
    "A server with one worker gives it every request. Start four of them: a list with four "
    "commands, each for one worker. Each {port} becomes a different free port.",
]

# What a status other than 200 says of the servers: a misconception, a sentence, a question.
STATUSES = {
    500: (
        "default-worker-class",
        "The server answers with status 500: Gunicorn's default worker class cannot run this app.",
        "Which option of Gunicorn names the worker class, and which class is for FastAPI?",
    ),
    503: (
        "limit-on-requests",
        "A server turned requests away with status 503.",
        "Does a limit make a request wait for an idle worker, or does it refuse the request?",
    ),
}
ANOTHER_APP = (
    "another-app",
    "The servers answer, but they don't serve app.main:app.",
    "Which module and which object do your commands name?",
)


def check(commands: Any) -> Verdict:
    """Start the servers, deal them eight requests at once, and look at how they are built."""
    if callable(commands):
        return asked_anew("05")
    if not isinstance(commands, list | tuple) or not commands:
        return wrong(
            "not-a-list",
            "`commands` is not a list of commands.",
            "What do the brackets look like around a list with one string in it?",
            came_back=repr(commands)[:300],
            expected="a list of strings, a command for each server",
        )
    for command in commands:
        refuse(command)
    ran = "\n".join(["your commands, and eight requests at once, dealt to the servers", *commands])
    if sum(workers_asked_for(command) or 1 for command in commands) > WORKERS:
        return _more_workers(ran=ran)
    with ExitStack() as stack, ThreadPoolExecutor(WORKERS) as threads:
        starting = [served(command, f"check {i}") for i, command in enumerate(commands)]
        servers = list(threads.map(stack.enter_context, starting))
        urls = [servers[i % len(servers)].url for i in range(REQUESTS)]
        run = run_coroutine(
            burst([f"{url}/slow?seconds={SECONDS}" for url in urls], timeout=patience(TIMEOUT))
        )
        return _judge(servers, run, ran)


def _judge(servers: list[Server], run: Run, ran: str) -> Verdict:
    workers = [len(server.workers) for server in servers]
    reached = [record.worker for record in run.records if record.worker is not None]
    served_by_each = sorted(Counter(reached).values(), reverse=True)
    statuses = ", ".join(sorted({str(record.status) for record in run.records}))
    details = {
        "ran": ran,
        "came_back": f"workers of each server: {workers}; requests of each worker: "
        f"{served_by_each}; status {statuses}",
        "expected": "four workers, and two of the eight requests for each, on every run",
    }
    if any(record.status is None for record in run.records):
        return too_busy("some of the eight requests were not answered")
    if sum(served_by_each) < REQUESTS:
        status = max(record.status for record in run.records)
        return wrong(*STATUSES.get(status, ANOTHER_APP), **details)
    if sum(workers) > WORKERS:
        return _more_workers(**details)
    if max(workers) > 1:
        return wrong(
            "left-to-chance",
            "A server with several workers leaves it to chance which of them gets a request, "
            "however this run went.",
            "Who decides which worker of a server takes a connection? And which server gets it?",
            **details,
        )
    if sum(workers) < WORKERS:
        return wrong(
            "fewer-workers",
            "There are fewer than four workers, so one of them has more than two requests.",
            "How many workers may you have, and how many do your commands start?",
            **details,
        )
    return right(
        "each of the four workers has two of the eight, whatever chance does.",
        ran,
        details["came_back"],
    )


def _more_workers(**details: str) -> Verdict:
    return wrong(
        "more-workers",
        "Your commands start more than four workers.",
        "How many workers does each command start, and how many is that in all?",
        **details,
    )
