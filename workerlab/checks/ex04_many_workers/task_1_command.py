"""Exercise 04, task 1: what a Gunicorn command starts."""

import json
import os
import re
import shlex
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from workerlab.checks.command import (
    launched,
    open_to_the_network,
    refused,
    without_configuration,
)
from workerlab.checks.gunicorn_settings import is_here, read_settings
from workerlab.checks.patience import patience
from workerlab.checks.verdicts import Verdict, could_not_check, right, wrong
from workerlab.checks.worker_classes import UVICORN_WORKER, class_of, judge_worker_class
from workerlab.server.server import Server
from workerlab.server.start_errors import ServerDidNotStart

WORKERS = 4
MOST_WORKERS = 12  # more are not started: a wrong number shall not fill the reader's memory
LIMIT = 8.0  # seconds for the server to come up
EXPECTED = f"a Gunicorn master with {WORKERS} workers, each a {UVICORN_WORKER}"


def judge_command(command: Any) -> Verdict:
    """Ask Gunicorn how it reads the command, then launch it and look at what is there."""
    verdict = refused(command)
    if verdict is not None:
        return verdict
    filled = command.replace("{port}", "8000")
    words = shlex.split(filled)
    names = [Path(word).name for word in words]
    if "gunicorn" not in names:
        return _another_program(command, names)
    place = names.index("gunicorn")
    environment = dict(word.split("=", 1) for word in words[:place] if "=" in word)
    reading = read_settings(words[place + 1 :], [environment])[0]
    if reading.settings is None:
        return _not_understood(command, reading.output)
    settings = reading.settings
    verdict = _before_the_launch(command, settings)
    if verdict is not None:
        return verdict
    try:
        # The workers are the same, and the app is imported once and not four times.
        with launched(f"{command} --preload", timeout=patience(LIMIT)) as server:
            return _running(command, server, settings)
    except ServerDidNotStart as error:
        report = str(error)
        if " within " in report:
            return could_not_check("no server came up in time; is the machine busy?")
        return _not_understood(command, "\n".join(report.splitlines()[1:]) or report)


def _another_program(command: str, names: list[str]) -> Verdict:
    if "uvicorn" in names:
        return wrong(
            "uvicorn-alone",
            "This starts Uvicorn, without Gunicorn.",
            "Which program is the master in lesson 04?",
            ran=command,
            expected=EXPECTED,
        )
    return wrong(
        "another-program",
        f"{names[0]} is not Gunicorn, so it was not started.",
        "Which program did lesson 04 start, and how is it spelt?",
        ran=command,
        expected=EXPECTED,
    )


def _not_understood(command: str, errors: str) -> Verdict:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    details = {"ran": command, "came_back": "\n".join(lines[-3:]), "expected": EXPECTED}
    if re.search(r"unrecognized arguments:.*--(?:port|host)\b", errors):
        return wrong(
            "option-of-uvicorn",
            "--host and --port are options of Uvicorn; Gunicorn has neither.",
            "Which one option of Gunicorn takes address and port together?",
            **details,
        )
    if re.search(r"unrecognized arguments|ambiguous option|expected one argument", errors):
        return wrong(
            "no-such-option",
            "Gunicorn does not understand its command line.",
            "What does gunicorn --help say?",
            **details,
        )
    words = without_configuration(shlex.split(command)[1:])
    if re.search(r"\.py\b.*:", " ".join(words)) and "import" in errors.lower():
        return wrong(
            "file-instead-of-module",
            "The command names a file, and Gunicorn wants the name of a module.",
            "How would you write `from ... import app`? What stands in the place of the dots?",
            **details,
        )
    if "No application module" in errors or "attribute 'application'" in errors:
        return wrong(
            "no-app-named",
            "The command does not say which object of which module is the app.",
            "What stands before the colon in app.main:app, and what behind it?",
            **details,
        )
    if "class uri" in errors:
        return wrong(
            "no-such-class",
            "Gunicorn cannot import this worker class.",
            "The class is in a package of its own. What is the package called, with its dot?",
            **details,
        )
    if "Failed to find attribute" in errors or "No module named" in errors:
        return wrong(
            "app-misspelt",
            "Gunicorn cannot find the app under this name.",
            "In which file is the app, and what is it called there?",
            **details,
        )
    return wrong(
        "does-not-start",
        "The server did not come up.",
        "What do the last lines say?",
        **details,
    )


def _before_the_launch(command: str, settings: dict[str, Any]) -> Verdict | None:
    """What is not launched at all: the open server, and a log in a file that would stay."""
    if not is_here(settings["bind"]):
        return open_to_the_network(command)
    if settings["workers"] > MOST_WORKERS:
        count = settings["workers"]
        return _wrong_number(command, f"{count} workers asked for; not started", count)
    log = settings["accesslog"]
    if log not in (None, "-", "", os.devnull, "/dev/stdout", "/dev/stderr"):
        return wrong(
            "access-log-to-a-file",
            f"There would be an access log, in a file named {log}.",
            "What does Gunicorn do about the access log when the command says nothing of it?",
            ran=command,
            expected="no access log at all",
        )
    return None


def _running(command: str, server: Server, settings: dict[str, Any]) -> Verdict:
    deadline = time.monotonic() + patience(2)
    while len(server.workers) < settings["workers"] and time.monotonic() < deadline:
        time.sleep(0.02)
    tree = server.tree()
    status, reply = _ask(f"{server.url}/")
    worker_class = class_of(settings)
    seen = f"{tree}\nGET / is answered with {status}\nworker class: {worker_class}"
    verdict = judge_worker_class(worker_class, ran=command, came_back=seen, expected=EXPECTED)
    if verdict is not None:
        return verdict
    if "worker_pid" not in reply:
        return wrong(
            "another-app",
            "The server runs, but it does not serve app.main:app.",
            "Which module and which object does your command name?",
            ran=command,
            came_back=f"GET / is answered with {status}",
            expected='a reply with "message" and "worker_pid"',
        )
    workers = [pid for pid in server.workers if pid != server.pid]
    if len(workers) != WORKERS:
        return _wrong_number(command, tree, len(workers))
    for _ in range(3):
        _ask(f"{server.url}/health")
    time.sleep(0.2)
    lines = [line for line in server.log.splitlines() if "GET /health" in line]
    # The kit itself asks once while the server starts.
    if lines or settings["accesslog"] in ("-", "/dev/stdout", "/dev/stderr"):
        return wrong(
            "access-log-on",
            "Each request leaves a line in the log.",
            "Where does the access log get switched on: in the command, or in a file it names?",
            ran=command,
            came_back="\n".join(lines[-3:]),
            expected="no access log",
        )
    return right(
        f"a Gunicorn master with {WORKERS} Uvicorn workers, and no access log.",
        ran=command,
        came_back=tree,
    )


def _wrong_number(command: str, seen: str, count: int) -> Verdict:
    return wrong(
        "wrong-number",
        f"The master has {count} worker{'s' if count != 1 else ''}.",
        "Which option says how many, and what holds when the command says nothing of it?",
        ran=command,
        came_back=seen,
        expected=EXPECTED,
    )


def _ask(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=patience(5)) as response:
            reply = json.loads(response.read())
            return response.status, reply if isinstance(reply, dict) else {}
    except HTTPError as error:
        return error.code, {}
    except ValueError:
        return 200, {}
