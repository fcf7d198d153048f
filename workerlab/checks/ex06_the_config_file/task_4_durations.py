"""Exercise 06, task 4: a file with which each request leaves a line that says how long it took."""

import asyncio
import re
import time
from typing import Any

from workerlab.checks.config import COMMAND, no_such_setting, server_with, settings_of, written
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Refused, Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Record, Run
from workerlab.reports import reports
from workerlab.server import Server

HINTS = [
    "An ASGI app is called with scope, receive and send. What would a function in front "
    "of it have to do to time a request?",
    "The method and the path are in the scope. The status is in one of the messages that the app "
    "sends: how can you see them? And what if the scope is not of type http?",
    "async def logged(scope, receive, send): take the time; async def watched(message): keep "
    'message.get("status", status), then await send(message); await app(scope, receive, '
    "watched); for http, print method, path, status and seconds. Then worker.wsgi = logged.",
]

LONG, SHORT = 1.0, 0.2  # seconds of two handlers that await; the long one more on a busy machine
APART = 0.4  # seconds; the short one begins while the long one awaits
ROUNDING = 0.06  # seconds; one digit behind the point is enough
LINE = re.compile(r"\bGET (/\S*) (\w+) (\d+(?:\.\d+)?(?:e-\d+)?)$", re.MULTILINE)
START_LIMIT = 5.0  # seconds
RAN = f"{COMMAND}\nand two overlapping requests to /slow-await, and one to /nowhere"
EXPECTED = (
    "replies as without the file, and a line for each that ends as: GET /slow-await 200 0.412"
)
Lines = list[tuple[str, str, str]]  # path, status, duration of each

MISTAKES = {
    "not-awaited": (
        "A coroutine is created but never awaited, so it never runs.",
        "What happens when a coroutine function is called, and what only once it is awaited?",
    ),
    "app-disturbed": (
        "The app does not answer as it does without your file.",
        "Does whatever you put in front of the app pass everything on: scope, receive, and every "
        "message to send?",
    ),
    "another-form": (
        "The requests do not leave one line each that ends in the form asked for.",
        "What is at the end of your line, for which requests is it written, and how often?",
    ),
    "format-is-ignored": (
        "access_log_format does nothing under this worker class: the line is Uvicorn's.",
        "Which hook does Gunicorn call once a worker has its app, and before it serves?",
    ),
    "nothing-written": (
        "No line in this form is written.",
        "Is your code called for a request? Does its logger have a handler and the right level?",
    ),
    "another-status": (
        "A line does not have the status that the client got.",
        "Which of the messages that the app sends carries the status?",
    ),
    "one-clock-for-all": (
        "Two requests were in progress at once, and the second changed the first one's start.",
        "Where does your code store the time at which a request began?",
    ),
    "another-duration": (
        "A duration is shorter than the handler took, or longer than the client waited.",
        "When do you start and stop the clock: is the app awaited in between? And in which unit?",
    ),
    "lifespan-lost": (
        "The requests are right, but the app's lifespan no longer runs.",
        "Which types of scope does a server hand to an app, besides http?",
    ),
}


def check(config: Any) -> Verdict:
    """Send three requests, and compare the lines they leave with what was seen of them."""
    began = time.monotonic()
    with written(config) as folder:
        settings_of(folder)  # refuses what Gunicorn cannot read
        with server_with(folder, "--workers 1", timeout=patience(START_LIMIT)) as server:
            run = _requests(server)
            log, starts = server.log, reports.workers_started(began)
    lines = [line for line in LINE.findall(log) if line[0] != "/health"]
    about = [line for line in log.splitlines() if re.search("slow-await|nowhere", line)]
    mistake = (
        _judge_app(run, log)
        or _judge_form(config, about, lines)
        or _judge_durations(run, lines)
        or (None if starts else "lifespan-lost")
    )
    replies = ", ".join(str(record.status or record.error) for record in run.records)
    seen = "; ".join([f"replies {replies}", *about[-4:]])
    if not mistake:
        return right("each request leaves its line, with its own duration.", RAN, seen)
    details = {"ran": RAN, "came_back": seen, "expected": EXPECTED}
    verdict = no_such_setting(config, **details) if mistake == "nothing-written" else None
    return verdict or wrong(mistake, *MISTAKES[mistake], **details)


def _requests(server: Server) -> Run:
    async def ask(path: str, wait: float = 0.0) -> Run:
        await asyncio.sleep(wait)
        return await burst(f"{server.url}{path}", timeout=limit)

    async def ask_all() -> Run:
        first, second, third = await asyncio.gather(
            ask(f"/slow-await?seconds={long:.1f}"),
            ask(f"/slow-await?seconds={SHORT}", APART),
            ask("/nowhere", APART),
        )
        await ask("/health")  # when this is answered, the lines have been written
        return first + second + third

    # Measured before the requests: it would hold up the loop that sends them.
    long, limit = patience(LONG), patience(4)
    return run_coroutine(ask_all())


def _judge_app(run: Run, log: str) -> str | None:
    """The mistake of a file with which the app does not answer as before; raises Refused."""
    failures = run.only("/slow-await").failures
    if not failures and run.only("/nowhere").records[0].status == 404:
        return None
    if failures and "was never awaited" in log:
        return "not-awaited"
    if any("time limit" in (r.error or "") and r.ended is None for r in run.records):
        raise Refused(too_busy("a request got no reply in time"))
    return "app-disturbed"


def _judge_form(config: str, about: list[str], lines: Lines) -> str | None:
    """The mistake in the form of the lines; `about` are all that name one of the paths."""
    if sorted(path for path, _, _ in lines) == ["/nowhere", "/slow-await", "/slow-await"]:
        is_right = sorted(status for _, status, _ in lines) == ["200", "200", "404"]
        return None if is_right else "another-status"
    if lines or not all("HTTP/1.1" in line for line in about):
        return "another-form"
    uses_hook = re.search(r"^def post_worker_init|^class ", config, re.MULTILINE)
    return "nothing-written" if uses_hook else "format-is-ignored"


def _judge_durations(run: Run, lines: Lines) -> str | None:
    """The mistake in the numbers; raises Refused where the requests did not overlap."""
    short, long = sorted(run.only("/slow-await").records, key=lambda record: record.url)
    if not long.began + APART / 2 < short.began < long.ended:
        raise Refused(too_busy("the two requests did not overlap as they should"))
    found = sorted(float(seconds) for path, _, seconds in lines if path == "/slow-await")
    if _fits(found[0], short) and _fits(found[1], long):
        return None
    if 2 * SHORT < found[1] < long.latency:
        return "one-clock-for-all"
    return "another-duration"


def _fits(seconds: float, record: Record) -> bool:
    """Whether the duration lies between the handler's own and what the client saw."""
    return record.ended - record.began - ROUNDING <= seconds <= record.latency + ROUNDING
