"""Exercise 04, task 1: what a Gunicorn command starts."""

import ipaddress
import json
import os
import re
import shlex
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from workerlab.alone import call_alone
from workerlab.checks.launching import open_to_the_network, refused
from workerlab.commands import is_loopback
from workerlab.server import Server
from workerlab.start_errors import ServerDidNotStart
from workerlab.verdicts import Verdict, could_not_check, right, wrong

WORKERS = 4
MOST_WORKERS = 12  # more are not started: a wrong number shall not fill the reader's memory
LIMIT = 8.0  # seconds for the server to come up
WORKER_CLASS = "uvicorn_worker.UvicornWorker"
EXPECTED = f"a Gunicorn master with {WORKERS} workers, each a {WORKER_CLASS}"

# Gunicorn itself reads its command line and configuration file, as for --print-config, but without
# the app. A file is the reader's code, so this runs in a process of its own; the settings taken
# away are those which Server takes away.
_READ_SETTINGS = r"""
import os, re, sys
def read(before, arguments):
    for name in list(os.environ):
        if re.fullmatch(r"GUNICORN_CMD_ARGS|UVICORN_\w+|PORT|WEB_CONCURRENCY", name):
            del os.environ[name]
    os.environ.update(word.split("=", 1) for word in before if "=" in word)
    sys.argv = ["gunicorn", *arguments]
    from gunicorn.app.wsgiapp import WSGIApplication
    settings = WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn").cfg.settings
    found = {name: settings[name].get() for name in ("workers", "threads", "accesslog", "bind")}
    worker_class = settings["worker_class"].get()
    if isinstance(worker_class, type):
        worker_class = f"{worker_class.__module__}.{worker_class.__qualname__}"
    return found | {"worker_class": worker_class}
"""


def judge_command(command: Any) -> Verdict:
    """Ask Gunicorn how it reads the command, then launch it and look at what is there."""
    verdict = refused(command)
    if verdict is not None:
        return verdict
    filled = command.replace("{port}", "8000")
    words = shlex.split(filled)
    names = [Path(word).name for word in words]
    if "gunicorn" not in names:
        return _another_program(command, names[0])
    place = names.index("gunicorn")
    result = call_alone(_READ_SETTINGS, "read", [words[:place], words[place + 1 :]], limit=5.0)
    if result.kind != "returned":
        return _not_understood(command, result.output)
    settings = result.value
    # As Gunicorn does, without a word.
    if settings["worker_class"] == "sync" and settings["threads"] > 1:
        settings["worker_class"] = "gthread"
    verdict = _before_the_launch(command, settings)
    if verdict is not None:
        return verdict
    try:
        # The workers are the same, and the app is imported once and not four times.
        server = Server(f"{command} --preload", name="check", timeout=LIMIT)
    except ServerDidNotStart as error:
        report = str(error)
        if f"within {LIMIT:g} s" in report:
            return could_not_check(f"no server within {LIMIT:g} s; is the machine busy?")
        return _not_understood(command, "\n".join(report.splitlines()[1:]))
    try:
        return _running(command, server, settings)
    finally:
        server.stop()


def _another_program(command: str, name: str) -> Verdict:
    if "uvicorn" in command.split("app.main")[0]:
        return wrong(
            "uvicorn-alone",
            "This starts Uvicorn, without Gunicorn.",
            "Which program is the master in lesson 04?",
            ran=command,
            expected=EXPECTED,
        )
    return wrong(
        "another-program",
        f"{name} is not Gunicorn, so it was not started.",
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
    if re.search(r"\.py\b.*:", " ".join(shlex.split(command)[1:])) and "import" in errors.lower():
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
    bind = settings["bind"]
    addresses = ",".join(bind if isinstance(bind, list) else [bind])
    for address in addresses.split(","):
        if not address.startswith(("unix:", "fd://")) and not _is_here(address):
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


def _is_here(address: str) -> bool:
    host = address.strip().removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        return is_loopback(host) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _running(command: str, server: Server, settings: dict[str, Any]) -> Verdict:
    deadline = time.monotonic() + 2
    while len(server.workers) < settings["workers"] and time.monotonic() < deadline:
        time.sleep(0.02)
    tree = server.tree()
    status, reply = _ask(f"{server.url}/")
    verdict = _class(command, settings["worker_class"], f"{tree}\nGET / is answered with {status}")
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


def _class(command: str, worker_class: str, seen: str) -> Verdict | None:
    """The verdict on another worker class than the one meant.

    UvicornH11Worker is refused as well: it gives up uvloop and httptools where they are there.
    """
    details = {
        "ran": command,
        "came_back": f"{seen}\nworker class: {worker_class}",
        "expected": EXPECTED,
    }
    if worker_class in (WORKER_CLASS, "uvicorn_worker._workers.UvicornWorker"):
        return None
    if worker_class.startswith("uvicorn.workers."):
        return wrong(
            "deprecated-class",
            "This class still works, and its module is deprecated.",
            "Which package of its own has the worker moved to?",
            **details,
        )
    if worker_class == "sync":
        return wrong(
            "sync-worker",
            "This is Gunicorn's default worker. It speaks WSGI, and FastAPI is an ASGI app.",
            "Which option puts a Uvicorn into each worker?",
            **details,
        )
    if worker_class == "gthread":
        return wrong(
            "threads-worker",
            "These workers have threads and no event loop. They speak WSGI, and FastAPI is ASGI.",
            "Is it threads that the app needs from its worker, or an event loop?",
            **details,
        )
    if worker_class == "asgi":
        return wrong(
            "gunicorns-own-asgi",
            "This is Gunicorn's own ASGI worker: there is no Uvicorn in it.",
            "Which class has Uvicorn in its name?",
            **details,
        )
    if worker_class.endswith("UvicornH11Worker"):
        return wrong(
            "h11-worker",
            "This class holds Uvicorn to its slower parser and loop, both written in Python.",
            "Which class of the same package takes the fast ones where they are installed?",
            **details,
        )
    return wrong(
        "another-worker-class",
        f"These workers are of the class {worker_class}.",
        "Which class did lesson 04 give to --worker-class?",
        **details,
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
        with build_opener(ProxyHandler({})).open(url, timeout=5) as response:
            reply = json.loads(response.read())
            return response.status, reply if isinstance(reply, dict) else {}
    except HTTPError as error:
        return error.code, {}
    except ValueError:
        return 200, {}
