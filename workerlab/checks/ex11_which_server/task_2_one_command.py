"""Exercise 11, task 2: a file of Gunicorn's as one command of Uvicorn, and what gets lost.

Uvicorn's own parser reads the limits; the rest is looked at on the server that the command starts.
"""

import json
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uvicorn.main import main as uvicorn

from workerlab.checks.command import environment_of, refuse, served
from workerlab.checks.config import KNOWN
from workerlab.checks.ex11_which_server.shop_app import SHOP
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Refused, Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.server import Server
from workerlab.server.settings.kinds import comes_true, request

HINTS = [
    "Which of the lines in the file did lesson 06 find without effect under UvicornWorker? For each"
    " of the others, does `uvicorn --help` have an option that does the same?",
    "Six lines have an option: look for workers, keep-alive, graceful, max-requests, jitter and "
    "forwarded. What does Uvicorn log for each request unless you tell it not to? And which two "
    "lines are about what the master does before it forks, and with a worker that is blocked?",
    "--timeout-keep-alive 1, --timeout-graceful-shutdown 2, --limit-max-requests 500, "
    "--limit-max-requests-jitter 50, --forwarded-allow-ips with both addresses, --workers 2 and "
    "--no-access-log. Nothing limits concurrency, and lost are timeout and preload_app.",
]
WORKERS, AT_ONCE, BLOCKED = 2, 100, 3.0  # requests; longer than the file's timeout, in seconds
LIMITS = {
    "keepalive": ("--timeout-keep-alive", 1),
    "graceful_timeout": ("--timeout-graceful-shutdown", 2),
    "max_requests": ("--limit-max-requests", 500),
    "max_requests_jitter": ("--limit-max-requests-jitter", 50),
}
REPLACED = {*LIMITS, "bind", "workers", "forwarded_allow_ips"}
LOST = {"timeout", "preload_app"}
EXPECTED = "what Gunicorn does with the file"
LOSES = "what acts under Gunicorn, and no option of Uvicorn replaces"
# From the right: this machine's proxy names 192.0.2.7, which names the client, which lies.
FORWARDED = {"X-Forwarded-For": "198.51.100.66, 203.0.113.9, 192.0.2.7"}
ADDRESSES = {
    "198.51.100.66": "trusts-everybody",
    "192.0.2.7": "second-proxy-unknown",
    "127.0.0.1": "headers-unread",
}


def check(answer: Any) -> Verdict:
    """Start the command, compare it with the file, and then look at what the reader gives up."""
    command, lost = answer
    refuse(command)
    is_collection = isinstance(lost, set | list | tuple | frozenset)
    if not is_collection or not all(isinstance(name, str) and name in KNOWN for name in lost):
        raise _wrong(command, "not-settings", repr(lost)[:200], "a set such as {'proc_name'}")
    if "uvicorn" not in (words := [Path(word).name for word in shlex.split(command)]):
        raise _wrong(command, "not-uvicorn", words[0] if words else "an empty command")
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        Path(folder, "shop.py").write_text(SHOP, encoding="utf-8")
        with served(command, cwd=folder) as server:
            seen = _judge_command(command, server)
            seen += _judge_lost(command, set(lost), server)
    return right("Uvicorn now does what the file says, except what you named.", command, seen)


# The misconceptions: a sentence, a question.
TOLD: Mapping[str, tuple[str, str]] = {
    "not-uvicorn": (
        "This command starts something else.",
        "Which program do the three commands of lesson 11 begin with?",
    ),
    "wrong-number": (
        "The server has another number of workers than the file asks for.",
        "Which option has the same name for both servers?",
    ),
    "another-app": (
        "The server runs, but it doesn't serve the shop.",
        "What comes after `gunicorn` in the command that the task shows?",
    ),
    "access-log-on": (
        "Uvicorn logs each request, and Gunicorn with this file logs none.",
        "What is the default of each server's access log?",
    ),
    "trusts-everybody": (
        "The app takes an address for the client's that the client made up.",
        "Whose word does the file believe, and who wrote the leftmost address?",
    ),
    "second-proxy-unknown": (
        "The app takes a proxy for the client.",
        "Which proxies does the file trust, and which does your command?",
    ),
    "headers-unread": (
        "The app sees the proxy on this machine as its client.",
        "Are the proxies' headers read, and is 127.0.0.1 among those whose headers are?",
    ),
    "preload-not-lost": (
        "With preload_app, Gunicorn's master imports the app once, and the workers share it.",
        "How many times does Uvicorn with two workers import the app?",
    ),
    "timeout-not-lost": (
        f"Gunicorn would have killed a worker that was blocked for {BLOCKED:g} s.",
        "Who answers the pings of Uvicorn's master: the event loop, or a thread beside it?",
    ),
    "has-a-counterpart": (
        "A setting that you gave up works in your own command.",
        "Which options of your command did you take from the file?",
    ),
    "nothing-to-lose": (
        "One of the settings that you gave up has no effect under Gunicorn with this file.",
        "Is it in the file? And does it act in the column UvicornWorker of lesson 11's matrix?",
    ),
    "limit-that-was-not": (
        "Your command refuses requests that Gunicorn with this file answers.",
        "Did worker_connections have an effect under UvicornWorker in lesson 06?",
    ),
    "not-settings": (
        "What gets lost should be a set of names of settings.",
        "How does the file spell them, and what is between the braces of a set?",
    ),
}


def _wrong(command: str, name: str, came_back: str, expected: str = EXPECTED) -> Refused:
    details = {"ran": command, "came_back": came_back, "expected": expected}
    return Refused(wrong(name, *TOLD[name], **details))


def read(command: str) -> dict[str, Any]:
    """The options as Uvicorn's own parser reads them, and the variables before the command."""
    words = shlex.split(command.replace("{port}", "8000"))
    env = environment_of(words)
    program = [Path(word).name for word in words].index("uvicorn")
    variables = {name.removeprefix("UVICORN_").lower(): value for name, value in env.items()}
    return uvicorn.make_context("uvicorn", words[program + 1 :], default_map=variables).params


def _judge_command(command: str, server: Server) -> str:
    """What was seen of a command that does what the file says. Raises Refused for another."""
    options = read(command)
    within = patience(4) if options["workers"] == WORKERS else 2
    comes_true(lambda: len(server.workers) == WORKERS, within=within)
    if len(server.workers) != WORKERS:
        raise _wrong(command, "wrong-number", f"{len(server.workers)} running")
    for setting, (option, value) in LIMITS.items():
        if (found := options[option.removeprefix("--").replace("-", "_")]) != value:
            sentence = f"The file has {setting} = {value}, and your command something else."
            question = "What is its option in `uvicorn --help`, and what is the default there?"
            details = {"ran": command, "came_back": f"{option} is {found}"}
            misconception = f"other-{setting.replace('_', '-')}"
            raise Refused(wrong(misconception, sentence, question, **details, expected=str(value)))
    status, text = request(server, "/client", headers=FORWARDED)
    if status != 200 or "shop" not in text:
        raise _wrong(command, "another-app", f"GET /client: status {status}")
    if comes_true(lambda: "/client" in server.log, within=0.5):
        raise _wrong(command, "access-log-on", "a line for GET /client in the log")
    if (address := json.loads(text)["shop"]) in ADDRESSES:
        raise _wrong(command, ADDRESSES[address], f"the client is {address}", "203.0.113.9")
    url = f"{server.url}/wait?seconds=0.5"
    run = run_coroutine(burst(url, AT_ONCE, timeout=patience(6)))
    if refused := sum(record.status == 503 for record in run.records):
        raise _wrong(command, "limit-that-was-not", f"{refused} of {AT_ONCE} got a 503")
    return f"the client is {address}; {AT_ONCE} of {AT_ONCE} at once were answered"


def _judge_lost(command: str, names: set[str], server: Server) -> str:
    """What was seen of the settings that get lost, and of those that don't."""
    is_offered = any("preload" in option.name for option in uvicorn.params)
    if "preload_app" not in names and not is_offered:
        raise _wrong(command, "preload-not-lost", "uvicorn --help has no such option", LOSES)
    for name in sorted(names - LOST):
        misconception = "has-a-counterpart" if name in REPLACED else "nothing-to-lose"
        raise _wrong(command, misconception, name, LOSES)
    url = f"{server.url}/block?seconds={BLOCKED}"
    (blocked,) = run_coroutine(burst(url, 1, timeout=patience(BLOCKED + 3))).records
    if not blocked.ok:
        raise Refused(too_busy("a blocked request did not end in time"))
    survived = f"a worker blocked for {BLOCKED:g} s was left alone"
    if "timeout" not in names:
        raise _wrong(command, "timeout-not-lost", survived, LOSES)
    return f"; {survived}"
