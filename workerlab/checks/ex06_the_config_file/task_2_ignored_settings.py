"""Exercise 06, task 2: which settings of a given file do nothing, shown on a running server."""

import http.client
import time
from collections.abc import Callable, Iterable
from typing import Any

from workerlab.checks.config import COMMAND, Refused, served, written
from workerlab.checks.ex06_the_config_file.recycling import requests_until_one_leaves
from workerlab.checks.in_thread import in_thread
from workerlab.checks.patience import patience
from workerlab.checks.verdicts import Verdict, could_not_check, right, wrong
from workerlab.load import burst
from workerlab.records import Run
from workerlab.server.server import Server

GIVEN = """
bind = "127.0.0.1:8000"
workers = 2
worker_class = "uvicorn_worker.UvicornWorker"
worker_connections = 10
keepalive = 1
timeout = 2
max_requests = 40
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s %(L)s"
"""
IGNORED = {"worker_connections", "access_log_format"}
ACTING = ("bind", "workers", "worker_class", "keepalive", "timeout", "max_requests", "accesslog")
EXPECTED = "the names of the settings that do nothing under this worker class"
AT_ONCE = 30


def judge_found(found: Any) -> Verdict:
    """Hold the names against the given file, and show on a server what is true of them."""
    names = _names(found)
    if isinstance(names, Verdict):
        return names
    if unknown := sorted(names - IGNORED - set(ACTING)):
        return wrong(
            "not-in-the-file",
            f"The file has no setting {unknown[0]}.",
            "How does the file spell it? A name that is no setting is no answer here.",
            expected=EXPECTED,
        )
    acting = [name for name in ACTING if name in names]
    if not acting and names != IGNORED:
        return _not_all(names)
    try:
        with written(GIVEN) as folder, served(folder, "--preload") as server:
            return _this_one_acts(server, acting[0]) if acting else _they_do_nothing(server)
    except Refused as refused:
        return refused.verdict


def _names(found: Any) -> set[str] | Verdict:
    if isinstance(found, str) or not isinstance(found, Iterable):
        return wrong(
            "not-a-set",
            f"The answer is of type {type(found).__name__}.",
            "How do you write two texts as one set?",
            expected='a set of names, as {"bind", "workers"}',
        )
    names = set(map(str, found))
    if not names:
        return wrong(
            "none-named",
            "The answer names no setting.",
            "Which settings are for something that Uvicorn does in its own way?",
            expected=EXPECTED,
        )
    return names


def _not_all(names: set[str]) -> Verdict:
    if "worker_connections" in names:
        return wrong(
            "one-of-two-connections",
            "This one does nothing, and there is another.",
            "What does a line in this server's log look like, and who writes it?",
            came_back=", ".join(sorted(names)),
            expected=EXPECTED,
        )
    return wrong(
        "one-of-two-log-format",
        "This one does nothing, and there is another.",
        "Who would have to count the connections, and does this worker class know the number?",
        came_back=", ".join(sorted(names)),
        expected=EXPECTED,
    )


def _they_do_nothing(server: Server) -> Verdict:
    run = _burst([f"{server.url}/slow-await?seconds=0.7"] * AT_ONCE)
    lines = [line for line in _lines(server) if "slow-await" in line]
    if run.failures or run.peak_overlap <= 20 or not lines:
        return could_not_check(f"{run}: is this machine busy? Run it again")
    return right(
        "both are read without a word, and neither does anything.",
        f"{COMMAND}, with the file above, and {AT_ONCE} requests at once",
        f"{run.peak_overlap} under way at once with 2 workers; the access log: {lines[0]}",
    )


def _this_one_acts(server: Server, name: str) -> Verdict:
    """The verdict on a setting which does act, with what it did to this server."""
    seen = EVIDENCE[name](server)
    return wrong(
        f"{name.replace('_', '-')}-acts",
        f"The setting {name} acts.",
        QUESTIONS[name],
        ran=f"{COMMAND}, with the file above",
        came_back=seen,
        expected=EXPECTED,
    )


def _bind(server: Server) -> str:
    held = server.listening()[0]
    return f"the master, pid {held.pid}, listens at {held.address}; the check has chosen the port"


def _workers(server: Server) -> str:
    server.wait_for_workers(2, timeout=patience(4))
    return server.tree()


def _worker_class(server: Server) -> str:
    lines = [line for line in server.log.splitlines() if "Using worker" in line]
    return "".join(lines[:1]).rpartition("] ")[2]


def _keepalive(server: Server) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=patience(4))
    connection.request("GET", "/health")
    connection.getresponse().read()
    began = time.monotonic()
    try:
        ended = connection.sock is None or connection.sock.recv(1) == b""
    except OSError:
        ended = False
    connection.close()
    after = time.monotonic() - began
    return f"an idle connection was {'closed' if ended else 'open still'} after {after:.1f} s"


def _timeout(server: Server) -> str:
    blocked = _burst([f"{server.url}/slow?seconds=4"]).records[0]
    how = "the worker went on" if blocked.ok else "the worker was killed"
    return f"a handler blocked its worker: after {blocked.latency:.1f} s {how}"


def _max_requests(server: Server) -> str:
    count = requests_until_one_leaves(server, 1.5)
    return f"a worker left after {count} requests" if count else "no worker has left yet"


def _accesslog(server: Server) -> str:
    return "\n".join(_lines(server)[:1])


EVIDENCE: dict[str, Callable[[Server], str]] = {
    "bind": _bind,
    "workers": _workers,
    "worker_class": _worker_class,
    "keepalive": _keepalive,
    "timeout": _timeout,
    "max_requests": _max_requests,
    "accesslog": _accesslog,
}
QUESTIONS = {
    "bind": "Who opens the listening socket: the master, or Uvicorn in a worker?",
    "workers": "Who starts the workers: the master, or Uvicorn in a worker?",
    "worker_class": "Which line says that there is a Uvicorn in the workers at all?",
    "keepalive": "What happens to an idle connection after a while, and who is told for how long?",
    "timeout": "What ends a worker whose loop is blocked? Is that a limit on requests?",
    "max_requests": "What became of the worker in lesson 06 which had served many requests?",
    "accesslog": "Would there be an access log without this line?",
}


def _burst(urls: list[str]) -> Run:
    return in_thread(burst(urls, timeout=patience(8)))


def _lines(server: Server) -> list[str]:
    return [line for line in server.log.splitlines() if "HTTP/1.1" in line]
