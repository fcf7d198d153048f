"""Exercise 06, task 4: a file with which each request leaves a line that says how long it took."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

from workerlab.checks.config import (
    COMMAND,
    Refused,
    defines_a_class,
    misspelt,
    read_once,
    served,
    written,
)
from workerlab.checks.in_thread import in_thread
from workerlab.checks.patience import patience
from workerlab.checks.verdicts import Verdict, could_not_check, right, wrong
from workerlab.load import burst
from workerlab.records import Record, Run
from workerlab.reports import reports
from workerlab.server.server import Server

LONG, SHORT = 0.8, 0.2  # seconds of two handlers which await
APART = 0.4  # seconds; the short one begins and ends while the long one awaits
ROUNDING = 0.06  # seconds; one digit behind the point is enough
LINE = re.compile(r"\bGET (/\S*) (\w+) (\d+(?:\.\d+)?(?:e-\d+)?)$", re.MULTILINE)
MOST_FOR_LINES = 1.5  # seconds until the lines are there
RAN = f"{COMMAND}\nand two overlapping requests to /slow-await, and one to /nowhere"
EXPECTED = "one line for each request, which ends as: GET /slow-await 200 0.412"


def judge_lines(config: Any) -> Verdict:
    """Send three requests and read the lines they leave."""
    began = time.monotonic()
    try:
        with written(config) as folder:
            read_once(folder)  # refuses what Gunicorn cannot read
            with served(folder, "--workers 1") as server:
                run = _requests(server)
                lines = _wait_for_lines(server)
                started = reports.workers_started(began)
            return (
                _served_as_before(run)
                or _form(config, folder, server.log, lines)
                or _numbers(run, lines)
                or _lifespan(bool(started))
                or right(
                    "each request leaves its line, with its own duration.",
                    RAN,
                    "; ".join(" ".join(("GET", *line)) for line in lines),
                )
            )
    except Refused as refused:
        return refused.verdict


def _requests(server: Server) -> Run:
    # Measured before the requests: it would hold up the loop that sends them.
    timeout = patience(4)

    async def later() -> Run:
        await asyncio.sleep(APART)
        urls = [f"{server.url}/slow-await?seconds={SHORT}", f"{server.url}/nowhere"]
        return await burst(urls, timeout=timeout)

    async def all_of_them() -> Run:
        long = burst(f"{server.url}/slow-await?seconds={LONG}", timeout=timeout)
        first, second = await asyncio.gather(long, later())
        return first + second

    return in_thread(all_of_them())


def _wait_for_lines(server: Server) -> list[tuple[str, str, str]]:
    """Path, status and duration of each line in the form asked for, without the kit's /health."""
    deadline = time.monotonic() + patience(MOST_FOR_LINES)
    while True:
        lines = [line for line in LINE.findall(server.log) if line[0] != "/health"]
        if len(lines) >= 3 or time.monotonic() > deadline:
            return lines
        time.sleep(0.05)


def _served_as_before(run: Run) -> Verdict | None:
    statuses = {record.url.rpartition("/")[2].partition("?")[0]: record for record in run.records}
    slow, nowhere = statuses["slow-await"], statuses["nowhere"]
    if all(r.ok for r in run.records if r is not nowhere) and nowhere.status == 404:
        return None
    return wrong(
        "app-disturbed",
        "The app does not answer as it does without your file.",
        "Does whatever you put before the app hand everything on: scope, receive and send?",
        ran=RAN,
        came_back=f"/slow-await: {slow.status or slow.error}, "
        f"/nowhere: {nowhere.status or nowhere.error}",
        expected="/slow-await: 200, /nowhere: 404",
    )


def _form(config: str, folder: Path, log: str, lines: list[tuple[str, str, str]]) -> Verdict | None:
    paths = sorted(path.partition("?")[0] for path, _, _ in lines)
    if len(paths) == 3 and all(path in ("/slow-await", "/nowhere") for path, _, _ in lines):
        return None
    last = [line for line in log.splitlines() if "slow-await" in line or "nowhere" in line]
    details = {
        "ran": RAN,
        "came_back": "\n".join(last[-4:]) or "no line names one of these paths",
        "expected": EXPECTED,
    }
    theirs = "post_worker_init" in config or defines_a_class(config)
    if not lines and last and not theirs and all("HTTP/1.1" in line for line in last):
        return wrong(
            "format-is-ignored",
            "access_log_format does nothing under this worker class: the line is Uvicorn's.",
            "Which hook of Gunicorn is called when a worker has its app, and before it serves?",
            **details,
        )
    if any("?" in path for path, _, _ in lines):
        return wrong(
            "query-in-the-line",
            "The line has the query as well, and the path was asked for.",
            "Which two entries of the scope make up what stands in the request's first line?",
            **details,
        )
    if len(lines) > 3:
        return wrong(
            "several-lines",
            f"Three requests have left {len(lines)} lines.",
            "How often is your line written for one request, and when should it be?",
            **details,
        )
    if lines:
        return wrong(
            "not-every-request",
            f"Three requests have left {len(lines)} lines.",
            "For which requests does your code come to the line that writes?",
            **details,
        )
    if not any("HTTP/1.1" not in line for line in last):
        return misspelt(folder, **details) or wrong(
            "nobody-writes-it",
            "No line in this form is written.",
            "Is your code called for a request? And has its logger a handler, and the level?",
            **details,
        )
    return wrong(
        "another-form",
        "The lines are not in the form asked for.",
        "What stands at the end of a line: method, path, status, seconds?",
        **details,
    )


def _numbers(run: Run, lines: list[tuple[str, str, str]]) -> Verdict | None:
    details = {
        "ran": RAN,
        "came_back": "\n".join(" ".join(("GET", *line)) for line in lines),
        "expected": f"one line of about {LONG} s and one of about {SHORT} s, and a 404",
    }
    if sorted((path, status) for path, status, _ in lines) != [
        ("/nowhere", "404"),
        ("/slow-await", "200"),
        ("/slow-await", "200"),
    ]:
        return wrong(
            "another-status",
            "A line does not have the status that the client got.",
            "In which of the messages that the app sends is the status?",
            **details,
        )
    found = sorted(float(seconds) for path, _, seconds in lines if path == "/slow-await")
    slow = sorted((r for r in run.records if "slow-await" in r.url), key=lambda r: r.latency)
    fits = [_fits(seconds, record) for seconds, record in zip(found, slow, strict=True)]
    if all(fits):
        return None
    if found[1] < LONG - APART + SHORT and fits[0] and found[1] > SHORT + ROUNDING:
        return wrong(
            "one-clock-for-all",
            "Two requests were under way at once, and the second changed the first one's start.",
            "Where does your code keep the moment at which a request began?",
            **details,
        )
    if found[1] < SHORT:
        return wrong(
            "stopped-too-soon",
            "The time was taken before the handler had ended.",
            "Is the app awaited before you look at the clock again, and does that clock go on "
            "while a handler waits?",
            **details,
        )
    if found[0] > 100 * SHORT:
        return wrong(
            "another-unit",
            "The durations are not in seconds.",
            "In which unit is the difference of two calls of time.monotonic()?",
            **details,
        )
    if found[1] > slow[1].latency + ROUNDING:
        return wrong(
            "started-too-early",
            "The durations are longer than the requests took.",
            "From which moment on do you count, and is it a new one for each request?",
            **details,
        )
    return could_not_check("the durations do not fit; is this machine busy? Run it again")


def _fits(seconds: float, record: Record) -> bool:
    """Whether the duration lies between the handler's own and what the client saw."""
    handler = (record.ended or 0.0) - (record.began or 0.0)
    return handler - ROUNDING <= seconds <= record.latency + ROUNDING


def _lifespan(started: bool) -> Verdict | None:
    if started:
        return None
    return wrong(
        "lifespan-lost",
        "The requests are right, and the app's lifespan does not run any more.",
        "Which types of scope does a server hand to an app, besides http?",
        ran=COMMAND,
        came_back="no start-up of the app was reported",
        expected="the app starts up in the worker, as without your file",
    )
