"""Exercise 04, task 1: what a Gunicorn command starts."""

import os
import re
import shlex
from pathlib import Path
from typing import Any

from workerlab.checks.command import open_to_the_network, refuse, served
from workerlab.checks.config import judge_worker_class
from workerlab.checks.print_config import is_loopback_bind, read_command
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst

HINTS = [
    "Which program was the master in lesson 04, and what was in its command besides the app?",
    "You need three things: how many workers, of which class, at which address. Which option is "
    "for each? And does an access log have to be switched off, or is it simply never switched on?",
    "gunicorn, the app, then --workers with 4, --worker-class with the class UvicornWorker of "
    "the package uvicorn_worker, and --bind with 127.0.0.1, a colon and {port}.",
]
WORKERS = 4
EXPECTED = f"a Gunicorn master with {WORKERS} workers, each a uvicorn_worker.UvicornWorker"
PRELOADED = {"GUNICORN_CMD_ARGS": "--preload"}  # the app is imported once, not by each worker


def check(command: Any) -> Verdict:
    """Ask Gunicorn how it reads the command, then launch it and ask the app."""
    refuse(command)
    if "gunicorn" not in [Path(word).name for word in shlex.split(command)]:
        return wrong(
            "not-gunicorn",
            "This is not Gunicorn, so it was not started.",
            "Which program is the master in lesson 04, and how is it spelled?",
            ran=command,
            expected=EXPECTED,
        )
    reading = read_command(command)
    if reading.exit_code is None:
        return too_busy("Gunicorn did not read the command in time")
    settings = reading.settings
    if settings is not None and (verdict := _judge_settings(command, settings)):
        return verdict
    # A command that Gunicorn could not read does not start either, and the log says why.
    with served(command, env=PRELOADED) as server:
        (record,) = run_coroutine(burst(f"{server.url}/", 1, timeout=8)).records
        tree = server.tree()
    if settings is None or record.status is None:
        return too_busy("the server did not answer in time")
    details = {
        "ran": command,
        "came_back": f"{tree}\nGET / is answered with status {record.status}",
    }
    worker_class, threads = settings["worker_class"], settings["threads"]
    if verdict := judge_worker_class(worker_class, threads, **details, expected=EXPECTED):
        return verdict
    if not isinstance(record.reply, dict) or "worker_pid" not in record.reply:
        return wrong(
            "another-app",
            "The server runs, but it doesn't serve app.main:app.",
            "Which module and which object does your command name?",
            **details,
            expected='a reply with "message" and "worker_pid"',
        )
    return right(f"a Gunicorn master with {WORKERS} Uvicorn workers, and no access log.", **details)


def _judge_settings(command: str, settings: dict[str, Any]) -> Verdict | None:
    """The verdict on what can be seen, or should not be done, without starting a server."""
    if not is_loopback_bind(settings["bind"]):
        return open_to_the_network(command)
    # Printed as a setting, a file called None cannot be told from no file.
    is_file_called_none = re.search(r"--access-logfile[= ]+.?None\b", command)
    log = "a file called None" if is_file_called_none else settings["accesslog"]
    workers = settings["workers"]
    details = {
        "ran": command,
        "came_back": f"workers = {workers}, accesslog = {log} (gunicorn --print-config)",
        "expected": f"{EXPECTED}, and no access log",
    }
    if workers != WORKERS:
        return wrong(
            "wrong-number",
            f"Gunicorn would start {workers} worker{'s' if workers != 1 else ''}.",
            "Which option sets the number, and what is its default?",
            **details,
        )
    if log not in (None, "", os.devnull):
        return wrong(
            "access-log-on",
            "Each request would leave a line in an access log.",
            "What switches the access log on: the command, or a file that it names? And what "
            "does Gunicorn do if neither mentions it?",
            **details,
        )
    return None
