"""The reader's app: served from its cell, asked several things at once, and why a reply is wrong.

The cell's source becomes the module `cell` in a folder of its own. What Uvicorn serves is a module
of the check's that imports it: `watched_app` if the app's event loop is to be watched.
"""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workerlab.checks.import_cell import FAILED, NOT_READ
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Refused, Verdict, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Record
from workerlab.server import Server
from workerlab.server.start_errors import ServerDidNotStart, log_in

COMMAND = "uvicorn {module}:app --port {port} --log-level warning --no-access-log"
WATCHED = "workerlab.checks.watched_app"
START_LIMIT = 9.0  # seconds
LIMIT = 6.0  # seconds for all replies
HEALTH_PAUSE = 0.02  # seconds from one answer of /health to the next question
RAN = "your cell, as a module served by Uvicorn"
ERROR = re.compile(r"^((?:\w+\.)*\w+(?:Error|Exception|Group|Warning)\b.*)$", re.MULTILINE)
LOOPBACK = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}

# Why a server could not read a cell: the error, the misconception, a sentence, a question.
UNREADABLE: list[tuple[str, str, str, str]] = [
    (
        r"module 'cell' has no attribute",
        "name-missing",
        "Your cell lacks a name that the check needs.",
        "Which names were given in the cell, and are they all still there?",
    ),
    (
        r"^NameError",
        "needs-another-cell",
        "Your cell does not work on its own.",
        "Is everything that it uses imported or defined in the cell itself?",
    ),
    (
        r"Syntax|^IndentationError",
        "syntax-error",
        "A server cannot read your cell: it is not a Python module.",
        "Is there a line that only a notebook understands, such as an await outside a function?",
    ),
    (
        r"^(?:ImportError|ModuleNotFoundError)",
        "import-error",
        "Your cell imports something that does not exist here.",
        "Is the name spelled right, and is the package installed here?",
    ),
    (
        r"\w",
        "raises-at-import",
        "Your cell raises an exception while the server starts.",
        "What does the exception say, and when does that line run: on import, or at start-up?",
    ),
]
# Why a handler failed with status 500: what the log says, and the same three.
RAISED: list[tuple[str, str, str, str]] = [
    UNREADABLE[1],
    (
        r"asyncio\.run\(\) cannot be called|loop is already running",
        "second-loop",
        "Your handler tries to start an event loop in a thread that is already running one.",
        "Who runs an async def handler? What can you write instead of asyncio.run?",
    ),
    (
        r"used in 'await' expression|can't be awaited",
        "awaits-a-value",
        "Your handler awaits something that cannot be awaited.",
        "What does the call after `await` return: a coroutine, or a plain value?",
    ),
    (
        r"was never awaited"
        r"|'(?:coroutine|Task|Future|_GatheringFuture)' object is not iterable",
        "not-awaited",
        "Your handler creates a coroutine that is never awaited.",
        "What happens when you call a coroutine function, and what only when you await it?",
    ),
    (r"", "raises", "Your handler raised an exception.", "What raises it?"),
]


# Why there is no reply: what the record says, and the same three.
NO_REPLY: list[tuple[str, str, str, str]] = [
    (
        r"time limit|longer than",
        "never-answers",
        "A request was not answered: {}.",
        "Which line of your handler can wait, or go on, forever?",
    ),
    (
        r"JSON",
        "not-json",
        "A client cannot read the reply: {}.",
        "Who turns what your handler returns into JSON?",
    ),
    (
        r"",
        "ends-the-server",
        "A request was not answered: {}.",
        "Which line of your handler ends the whole program?",
    ),
]


@dataclass
class Seen:
    """What came of it all: `health` holds the seconds that each question to /health took, `watched`
    what the server saw of itself (see `watched_app`)."""

    replies: list[Record] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    watched: dict[str, Any] = field(default_factory=dict)
    log: str = ""

    @property
    def slowest(self) -> float:
        """Seconds that the slowest reply took, at the client."""
        return max(reply.latency for reply in self.replies)


@contextmanager
def serving(
    source: str, module: str = WATCHED, env: Mapping[str, str] | None = None, **options: Any
) -> Iterator[Server]:
    """A Uvicorn that serves `app` of this module, which imports the source as `cell`.

    `options` are those of Server. It is killed when the block ends. Raises Refused where it does
    not come up.
    """
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        (Path(folder) / "cell.py").write_text(source, encoding="utf-8")
        options = {"name": "check", "timeout": patience(START_LIMIT), **options}
        command = options.pop("command", COMMAND).replace("{module}", module)
        # The folder first: a reader's own package may be called `cell` too.
        path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        env = {**LOOPBACK, "PYTHONPATH": path, **(env or {})}
        try:
            server = Server(command, cwd=folder, env=env, **options)
        except ServerDidNotStart as error:
            raise Refused(cell_failed(str(error))) from None
        try:
            yield server
        finally:
            server.stop(grace=0)


def serve_and_ask(
    source: str, paths: Sequence[str], env: Mapping[str, str] | None = None, *, again: bool = False
) -> Seen:
    """Serve the cell, send a GET to every path at once, and ask /health until they are answered.

    With `again`, the first path is asked once more when all have been answered, as the last reply.
    What does not answer in time is recorded as such. Raises Refused where it does not come up.
    """
    with serving(source, env=env) as server:
        seen = run_coroutine(_ask_all(server.url, paths, patience(LIMIT), again))
        if any(reply.status == 500 for reply in seen.replies):
            _wait_for_traceback(server)
        seen.log = server.log
    return seen


async def _ask_all(url: str, paths: Sequence[str], limit: float, again: bool) -> Seen:
    async def ask(*paths: str) -> list[Record]:
        return (await burst([url + path for path in paths], timeout=limit)).records

    asked, seen = asyncio.create_task(ask(*paths)), Seen()
    while not asked.done():
        (health,) = await ask("/health")
        seen.health.append(health.latency)
        if health.error:
            break
        await asyncio.sleep(HEALTH_PAUSE)
    seen.replies = await asked
    if not any(reply.error for reply in seen.replies):
        (watched,) = await ask("/watched")
        seen.watched = watched.reply or {}
        seen.replies += await ask(paths[0]) if again else []
    return seen


def _wait_for_traceback(server: Server) -> None:
    """The log tells of an exception some time after the reply with status 500."""
    until = time.monotonic() + patience(0.5)
    while not ERROR.search(server.log) and time.monotonic() < until:
        time.sleep(0.02)


def cell_failed(report: str) -> Verdict:
    """The verdict on a cell with which no server came up; `report` is ServerDidNotStart's text."""
    log = log_in(report)
    error = error_in(log)
    details = {"ran": RAN, "came_back": error}
    if NOT_READ in log:
        return wrong(
            "never-comes-up",
            "The server did not come up: importing your cell never finishes.",
            "Which line of the cell, outside of any function, can go on forever?",
            ran=RAN,
        )
    if "ddress already in use" in log or not (
        FAILED in log or error or "ended with exit code" in report
    ):
        return too_busy("the server did not come up in time")
    for said, misconception, sentence, question in UNREADABLE:
        if re.search(said, error, re.MULTILINE):
            return wrong(misconception, sentence, question, **details)
    return wrong(
        "ends-the-process",
        "The server's process ended while it imported your cell.",
        "Which line ends the whole program?",
        **details,
    )


def error_in(log: str) -> str:
    """The last exception in a log, with the line of the cell it comes from; empty if none."""
    found = ERROR.findall(log)
    if not found:
        return ""
    lines = re.findall(r'/cell\.py", line (\d+), in \S+\n\s+(.*)', log)
    where = "line {}: {}\n".format(*lines[-1]) if lines else ""
    return f"{where}{found[-1][:300]}"


def refuse_no_reply(replies: Sequence[Record], log: str, **details: str) -> None:
    """Raise Refused where a request got no reply, or one with another status than 200.

    `log` is the server's; `details` are those of the verdict.
    """
    for reply in replies:
        if reply.status not in (None, 200):
            raise Refused(_bad_status(log, reply, details))
        if reply.error:
            raise Refused(_no_reply(reply.error, details))


def _no_reply(error: str, details: dict[str, str]) -> Verdict:
    for said, misconception, sentence, question in NO_REPLY:
        if re.search(said, error):
            return wrong(misconception, sentence.format(error), question, **details)
    raise AssertionError("the last row fits every error")


def _bad_status(log: str, reply: Record, details: dict[str, str]) -> Verdict:
    path, error = urlsplit(reply.url).path, error_in(log)
    details = {**details, "came_back": f"status {reply.status}\n{error}".strip()}
    if reply.status in (404, 405):
        return wrong(
            "endpoint-missing",
            f"Your app does not answer a GET request for {path}: the status is {reply.status}.",
            "Which path and which method does the decorator name?",
            **details,
        )
    if reply.status < 500:
        return wrong(
            "asks-for-more",
            f"Your app rejects the request with status {reply.status}.",
            "Which parameters does your handler ask for, and does the request have them?",
            **details,
        )
    for said, misconception, sentence, question in RAISED:
        if re.search(said, error if said == UNREADABLE[1][0] else log, re.MULTILINE):
            return wrong(misconception, sentence, question, **details)
    raise AssertionError("the last row fits every log")


def not_awaited(**details: str) -> Verdict:
    """The verdict on a handler that replies before a coroutine of its own has run."""
    _, misconception, sentence, question = RAISED[3]
    return wrong(misconception, sentence, question, **details)
