"""Exercise 09, task 1: a start script whose TERM reaches the server."""

import os
import signal
import time
from typing import Any

import psutil

from workerlab.checks.command import started
from workerlab.checks.ex09_zero_downtime.apps import ABANDONED, TIDY
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.server import Server

HINTS = [
    "Which process gets the TERM? And does a shell hand it on to the program that it waits for?",
    "What if the shell weren't there any more once the server runs? Which word of the shell "
    "replaces it by a program?",
    "Put `exec` before the command. (Or start it with &, keep its $!, and let a trap send it TERM; "
    "then wait a second time, since the trap ends the first wait.)",
]
RAN = "sh start.sh, and TERM to its process once the server answers"
EXPECTED = "the server stops, the lifespan's end runs, and the script's process stays until then"
FILES = {
    "shop.py": "from workerlab.checks.ex09_zero_downtime.apps import tidy as app\n",
    "gunicorn_conf.py": (
        'bind = "127.0.0.1:{port}"\nworkers = 1\nworker_class = "uvicorn_worker.UvicornWorker"\n'
    ),
}
LIMIT = 4.0  # seconds from TERM to the end of everything
GOES_ON = 1.0  # seconds after which a server that still answers has not been told
# In the log: the server has been told to leave gracefully. (On INT and QUIT, this class of worker
# goes on until graceful_timeout.)
TOLD = ("Handling signal: term", "Shutting down")

# What became of it: the misconception, a sentence, a question.
OUTCOMES = {
    "ends-before-term": (
        "The script's process ends before anybody sends TERM; the server runs on without it.",
        "Which process does the platform watch, and what does it think once that has ended?",
    ),
    "shell-takes-term": (
        "TERM has ended the shell, and the server goes on answering: it was never told.",
        "Who is the parent here, and who got the signal?",
    ),
    "term-has-no-effect": (
        "Nothing has ended: neither the script's process nor the server.",
        "Has a trap of yours run, and which signal did it send, to which pid? When does a shell "
        "run one, while it waits for a program in the foreground?",
    ),
    "lifespan-skipped": (
        "The server has ended, and nothing in its log says that the end of its lifespan ran.",
        "Which signal, or which limit, leaves a process no time for its last words?",
    ),
    "ends-apart-from-the-server": (
        "The script's process ended while the server was still tidying up, or goes on after that. "
        "In a container, its end is the end of everything.",
        "What does `wait` do when a trap has run, and what comes after it in your script?",
    ),
}


def check(script: Any) -> Verdict:
    """Run the script, send TERM to its process, and see what becomes of the server."""
    if not isinstance(script, str):
        return wrong("not-a-string", "A script is one string here.", "What is between the quotes?")
    files = {**FILES, "start.sh": script.lstrip()}
    with started("sh {folder}/start.sh", files=files) as server:
        outcome, log = _after_term(server), server.log
    details = {"ran": RAN, "came_back": "\n".join(log.splitlines()[-3:]), "expected": EXPECTED}
    if outcome in OUTCOMES:
        return wrong(outcome, *OUTCOMES[outcome], **details)
    if outcome != "right":
        return too_busy("the server did not stop in time")
    return right("TERM reaches the server, and its lifespan's end runs.", ran=RAN)


def _after_term(server: Server) -> str:
    """What becomes of the script's process and the server: a key of OUTCOMES, `right` or `slow`."""
    if server.exit_code is not None:
        return "ends-before-term"
    first = min(map(psutil.Process, server.pids), key=psutil.Process.create_time)
    os.kill(first.pid, signal.SIGTERM)
    ended, is_apart, until = None, False, time.monotonic() + patience(LIMIT)
    while time.monotonic() < until and (server.pids or server.exit_code is None):
        if server.exit_code is not None:
            if ended is None:
                # A server in a session of its own can't know.
                ended, is_apart = time.monotonic(), TIDY not in server.log
            if time.monotonic() > ended + GOES_ON:
                asked = run_coroutine(burst(server.url, timeout=patience(1.0)))
                if not asked.failures:
                    return "shell-takes-term"
        time.sleep(0.05)
    if TIDY in server.log:
        is_apart = is_apart or ABANDONED in server.log or server.pids
        return "ends-apart-from-the-server" if is_apart else "right"
    if not server.pids:
        return "lifespan-skipped"
    is_told = any(words in server.log for words in TOLD)
    return "slow" if is_told or server.exit_code is not None else "term-has-no-effect"
