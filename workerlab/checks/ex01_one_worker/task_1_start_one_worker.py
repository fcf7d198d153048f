"""Task 1: a command that serves the app with one Uvicorn process."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from workerlab.checks.command import refuse, served
from workerlab.checks.patience import patience
from workerlab.checks.verdicts import Refused, Verdict, right, too_busy, wrong
from workerlab.server import Server
from workerlab.server.commands import workers_asked_for

HINTS = [
    "Which program did lesson 01 start, and what did it tell it to serve?",
    "MODULE:NAME comes next. Which file holds the app, and what is the app called there?",
    "Write uvicorn, then app.main and app joined by a colon, then the option --port with {port}.",
]
EXPECTED = "one process, a Uvicorn"
REPLY_LIMIT = 4.0  # seconds


def check(command: Any) -> Verdict:
    """Launch the command, then look at its processes and at a reply."""
    refuse(command)
    workers = workers_asked_for(command) or 1
    try:
        with served(command) as server:
            return _judge(command, server, workers)
    except Refused:
        # Many workers can be slow to start, but what is wrong is their number.
        if workers > 1:
            return _several_workers(workers, ran=command)
        raise


def _judge(command: str, server: Server, workers_asked: int) -> Verdict:
    tree, workers = server.tree(), server.workers
    details = {"ran": command, "came_back": tree, "expected": EXPECTED}
    if "gunicorn" in tree:
        return wrong(
            "gunicorn-already",
            "This is Gunicorn: a master process plus its workers.",
            "Which program serves from the very process you start?",
            **details,
        )
    reply = _reply_of(f"{server.url}/")
    if not isinstance(reply, dict) or "worker_pid" not in reply:
        return wrong(
            "another-app",
            "The server answers, but it doesn't serve app.main:app.",
            "Which module and which object does your command name?",
            ran=command,
            came_back=str(reply)[:300],
            expected='a reply with "message" and "worker_pid"',
        )
    # A worker that is just being replaced is missing from the list.
    if (count := max(len(workers), workers_asked)) > 1:
        return _several_workers(count, **details)
    if workers != [server.pid]:
        return wrong(
            "reloader",
            "The process you started doesn't answer requests: it watches a worker that does.",
            "Which option is only for development?",
            **details,
        )
    return right("one Uvicorn, one process, and it answers.", ran=command, came_back=tree)


def _several_workers(count: int, **details: str) -> Verdict:
    return wrong(
        "several-workers",
        f"The command starts {count} workers.",
        "How many workers does Uvicorn have if the command doesn't say?",
        **details,
    )


def _reply_of(url: str) -> Any:
    """The JSON of the reply, or why there is none. Raises Refused if the server is too slow."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=patience(REPLY_LIMIT)) as response:
            return json.load(response)
    except (HTTPError, ValueError) as error:
        return str(error)
    except OSError:
        raise Refused(too_busy("the server did not reply in time")) from None
