"""Exercise 03, task 3: a command whose server computes two requests at the same time."""

import shlex
import time
from typing import Any

from workerlab.checks.command import (
    did_not_start,
    environment_of,
    launched,
    open_to_the_network,
    refused,
)
from workerlab.checks.in_thread import in_thread
from workerlab.checks.patience import patience
from workerlab.checks.verdicts import Verdict, could_not_check, right, wrong
from workerlab.load import burst
from workerlab.records import Run, peak_overlap
from workerlab.server.server import Server
from workerlab.server.start_errors import ServerDidNotStart, is_listening

SECONDS = 0.6  # of CPU time, for each request
START_LIMIT = 8.0  # seconds
LOOKS = 3
EXPECTED = "two requests to /cpu, computed by two processes at the same time"


def judge_command(command: Any) -> Verdict:
    """Launch the command, send a request, and another as soon as the first is being computed."""
    verdict = refused(command)
    if verdict is not None:
        return verdict
    words = shlex.split(command)
    if {"&", "&&", ";", "|"} & set(words) or any(word.endswith(";") for word in words):
        return wrong(
            "two-commands",
            "This is more than one command, and one is to serve both requests.",
            "Which option has one command start several processes?",
            ran=command,
            expected="one command",
        )
    try:
        with launched(command, timeout=patience(START_LIMIT)) as server:
            return _two_at_once(command, environment_of(command), server)
    except ServerDidNotStart as error:
        return _did_not_start(command, str(error))
    except ValueError:
        return open_to_the_network(command)


def _did_not_start(command: str, report: str) -> Verdict:
    details = {"ran": command, "came_back": "\n".join(report.splitlines()[1:6])}
    if " within " in report and is_listening(report):
        return could_not_check("the workers of this server did not come up in time; run it again")
    if "did not answer within" in report:
        return wrong(
            "never-comes-up",
            "The server did not answer within some seconds; it was ended.",
            "Is this the program which serves the app?",
            **details,
        )
    if "has no such option" in report:
        return wrong(
            "no-such-option",
            "This server has no such option.",
            "What does its --help say of workers, and of the address?",
            **details,
        )
    return did_not_start(command, report)


def _two_at_once(command: str, env: dict[str, str], server: Server) -> Verdict:
    _wait_for_all_workers(server)
    pids: set[int] = set()
    peak = 0
    run = None
    for _ in range(LOOKS):
        run = _send_two(server)
        times = [_times(record.reply) for record in run.records]
        if None in times:
            return _no_reply(command, server, run)
        pids = {record.reply["worker_pid"] for record in run.records}
        peak = peak_overlap(times)
        # One worker can do no better another time.
        if len(server.workers) < 2 or (len(pids) == 2 and peak == 2):
            break
    if len(pids) == 2 and peak == 2:
        return right(
            "two processes computed at the same time.",
            command,
            f"{len(pids)} processes, {peak} handlers under way at one moment",
        )
    if len(server.workers) > 1:
        return could_not_check(
            f"{len(server.workers)} workers are there, but this machine was too busy to send them "
            "two requests at one moment; run it again"
        )
    return _one_process(command, env, server, len(pids), peak)


def _wait_for_all_workers(server: Server) -> None:
    """Where the command itself does not say how many there are, the kit does not wait for them."""
    deadline = time.monotonic() + patience(2)
    while len(server.workers) > 1 and time.monotonic() < deadline:
        try:
            server.wait_for_workers(len(server.workers), timeout=0.1)
            return
        except TimeoutError:
            continue


def _send_two(server: Server) -> Run:
    """Two requests, the second when the handler of the first has begun."""
    url = f"{server.url}/cpu?seconds={SECONDS}"
    return in_thread(burst(url, n=2, after="began", timeout=patience(5)))


def _times(reply: Any) -> tuple[float, float] | None:
    if not isinstance(reply, dict) or not {"worker_pid", "began", "ended"} <= reply.keys():
        return None
    return reply["began"], reply["ended"]


def _no_reply(command: str, server: Server, run: Run) -> Verdict:
    statuses = [record.status for record in run.records]
    details = {
        "ran": command,
        "came_back": " and ".join(str(record.error or record.status) for record in run.records),
        "expected": EXPECTED,
    }
    if 503 in statuses:
        return wrong(
            "limit-on-requests",
            "The server turned a request away.",
            "Does a limit let it do more at once, or less?",
            **details,
        )
    if "Using worker: gthread" in server.log:
        return wrong(
            "threads-of-gunicorn",
            "This worker class calls the app in threads, as WSGI has it, and the app speaks ASGI.",
            "Which worker class did the lessons use? And would threads help with computing?",
            **details,
        )
    if "Using worker: sync" in server.log:
        return wrong(
            "worker-class-for-wsgi",
            "This worker class calls the app as WSGI has it, and the app speaks ASGI.",
            "Which worker class runs an event loop, and so can serve FastAPI?",
            **details,
        )
    return wrong(
        "another-app",
        "The server answers, but not as app.main:app does.",
        "Which module and which object does your command name?",
        **details,
    )


def _one_process(
    command: str, env: dict[str, str], server: Server, processes: int, peak: int
) -> Verdict:
    """Which way to more speed was it that gave no second process?"""
    words = command.split()
    plural = "" if processes == 1 else "es"
    details = {
        "ran": command,
        "came_back": f"{processes} process{plural}, {peak} handler at a time",
        "expected": EXPECTED,
    }

    def has(*options: str) -> bool:
        return any(word.split("=")[0] in options for word in words)

    if has("--limit-concurrency", "--backlog", "--worker-connections", "--limit-max-requests"):
        return wrong(
            "limit-on-requests",
            "A limit says how many requests may come; one process still computes them.",
            "Does a limit let it do more at once, or less?",
            **details,
        )
    if has("--threads"):
        return wrong(
            "threads-of-gunicorn",
            "This worker class runs one event loop and takes no notice of --threads.",
            "What can only one thread of a process have at a time?",
            **details,
        )
    if "THREADS" in env:
        return wrong(
            "larger-pool",
            "A larger pool of threads, and one process that computes.",
            "For which kind of work did the threads of lesson 03 help, and for which not?",
            **details,
        )
    if has("--loop", "--http"):
        return wrong(
            "faster-loop",
            "Another event loop, or parser, is there, and still one process that computes.",
            "How many processor cores can one event loop use?",
            **details,
        )
    if "gunicorn" in server.tree():
        return wrong(
            "counts-the-master",
            "Two processes are there, but one of them is the master, which serves no request.",
            "Which process computes, and how many of that kind are there?",
            **details,
        )
    if server.workers != [server.pid]:
        return wrong(
            "reloader",
            "Two processes are there, but one of them watches the files or the worker.",
            "Which process computes, and how many of that kind are there?",
            **details,
        )
    return wrong(
        "one-worker",
        "One process computed both, one after the other.",
        "How many processes does this command start, and how many locks are there?",
        **details,
    )
