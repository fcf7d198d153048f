"""Exercise 08, task 4: an app that leaks, recycled in time or mended.

Requests are sent a few at a time, each for another report. Memory is read when none is in progress.
"""

import contextlib
from dataclasses import dataclass
from typing import Any

import psutil

from workerlab.checks.answer import source_of
from workerlab.checks.app import serving
from workerlab.checks.config import FILE, judge_worker_class, no_such_setting, settings_of, written
from workerlab.checks.function import refuse_no_function
from workerlab.checks.patience import Deadline, patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.server import Server
from workerlab.workers import megabytes

HINTS = [
    "After how many requests does a worker keep 50 MB of reports? Which setting of lesson 06 "
    "counts requests? Or, to mend it: who needs a report once it has been sent?",
    "To recycle: what is the most that one worker serves, with the jitter, and how many workers "
    "leave during 300 requests? To mend: how would a cache know what to forget?",
    "max_requests = 60 and max_requests_jitter = 30; or leave out the line that keeps the report.",
]
COMMAND = f"gunicorn {{module}}:app -c {{folder}}/{FILE} --workers 2 --bind 127.0.0.1:{{port}}"
MODULE = "workerlab.checks.ex08_when_workers_fail.leaking_app"
REQUESTS, TOGETHER = 300, 3
WEIGHED = 15  # requests from one reading of the memory to the next
LENGTH = 500_000  # of a report, in bytes
KEPT = 50  # MB of reports that a worker may keep
HIGHEST = 1_000_000 * KEPT // LENGTH  # requests after which it has them, if it keeps every one
# A worker also grows by what it imports or stops sharing, and goes on for up to 0.1 s after its
# limit. So of a worker with a limit, the settings say how many reports it keeps, and the measured
# growth (MB) only says whether it keeps any, and whether something else grows.
KEEPS_SOME, GROWS_ANYWAY = 25, 100
# A worker that leaves closes its listening socket, then the connections whose request it has not
# read yet: at most those of the requests that are sent together. From LOWEST on, at most
# REQUESTS / LOWEST workers leave, and MOST_LOST is the most that they can lose, so the rate of
# false alarms is 0. What a handler has begun is never lost so: the worker waits for it.
MOST_LOST = 15
LOWEST = REQUESTS * TOGETHER // MOST_LOST
LIMIT = 9.0  # seconds for all requests
PATIENCE = 4.0  # seconds for one
EXPECTED = f"at most {KEPT} MB of reports in each worker, and {MOST_LOST} requests lost"


@dataclass
class Seen:
    """What came of the requests: how many were `sent` and `lost`, the most that a worker has grown
    by (MB), and the id of a `mistake` that was seen on the way, `told` for the verdict."""

    sent: int = 0
    lost: int = 0
    grown: float = 0.0
    mistake: str = ""
    told: str = ""
    is_late: bool = False


# The misconceptions: a sentence and a question.
MISTAKES = {
    "never-answers": (
        "A request was not answered at all.",
        "Which line of your handler can wait, or go on, forever?",
    ),
    "another-reply": (
        "Some replies are not what the app returned before.",
        "What does a client of /report get now, and what did it get?",
    ),
    "still-grows": (
        "Your workers keep growing, and nothing replaces them.",
        "What becomes of a report once its request has been answered?",
    ),
    "limit-too-high": (
        "A worker keeps too many reports of half a megabyte before it is replaced.",
        "How many of them fit into 50 MB, and what is added to max_requests?",
    ),
    "cut-off": (
        "Requests were lost that a handler was working on.",
        "How does a worker end here: does it finish what it has begun?",
    ),
    "recycled-too-often": (
        f"Each worker that leaves may lose up to {TOGETHER} requests, and too many leave.",
        f"How many workers leave during {REQUESTS} requests, at this max_requests?",
    ),
    "no-jitter": (
        "Without a jitter of a tenth or more, all workers may leave at about the same moment.",
        "Who answers while both workers start anew? Which setting sets them apart?",
    ),
}


def check(answer: Any) -> Verdict:
    """Read the settings, then serve the cell with them and weigh the workers under load."""
    report, text = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    refuse_no_function(report)
    with written(text) as folder:
        settings = settings_of(folder)
    name, limit = settings["worker_class"], settings["max_requests"]
    jitter = settings["max_requests_jitter"]
    details = {"ran": f"gunicorn -c {FILE} --print-config", "came_back": f"worker_class = {name}"}
    if verdict := judge_worker_class(name, **details):
        return verdict
    details["came_back"] = f"max_requests = {limit}, max_requests_jitter = {jitter}"
    if 0 < limit < LOWEST:
        return wrong("recycled-too-often", *MISTAKES["recycled-too-often"], **details)
    if jitter < limit / 10:
        return wrong("no-jitter", *MISTAKES["no-jitter"], **details)
    options = {"command": COMMAND, "files": {FILE: text}, "probe": True}
    with serving(source_of(report), MODULE, **options) as server:
        seen = run_coroutine(_look(server, GROWS_ANYWAY if limit else KEPT))
    details = {"ran": f"gunicorn cell:app -c {FILE} --workers 2", "came_back": seen.told}
    mistake = seen.mistake or _mistake(seen, limit, limit + jitter)
    if mistake == "still-grows" and (verdict := no_such_setting(text, **details)):
        return verdict
    if mistake:
        return wrong(mistake, *MISTAKES[mistake], **details, expected=EXPECTED)
    if seen.is_late:
        return too_busy(f"only {seen.sent} of {REQUESTS} requests were answered in time")
    return right("no worker keeps more than it may, and no work was cut off.", **details)


async def _look(server: Server, most: float) -> Seen:
    """Send the requests, until a worker has grown by `most` MB or a mistake is seen."""
    seen, deadline, timeout = Seen(), Deadline(LIMIT), patience(PATIENCE)
    start = min(megabytes([pid]) for pid in server.workers)
    while seen.sent < REQUESTS and seen.grown < most and not (seen.mistake or seen.is_late):
        paths = [f"/report?number={seen.sent + i}" for i in range(TOGETHER)]
        run = await burst([server.url + path for path in paths], timeout=timeout)
        seen.sent += TOGETHER
        seen.lost += sum(record.status is None for record in run.records)
        for pid in server.workers if seen.sent % WEIGHED == 0 else []:
            with contextlib.suppress(psutil.Error):  # it has just left
                seen.grown = max(seen.grown, megabytes([pid]) - start)
        seen.told = f"{seen.sent} requests, {seen.lost} lost; a worker grew by {seen.grown:.0f} MB"
        for record in run.records:
            should = {"number": int(record.url.rpartition("=")[2]), "length": LENGTH}
            if record.status is None and record.reached is not None:
                seen.mistake = "never-answers" if "time limit" in str(record.error) else "cut-off"
            elif record.status is not None and record.reply != should:
                seen.mistake, seen.told = "another-reply", repr(record.reply or record.status)[:200]
        seen.is_late = deadline.passed()
    return seen


def _mistake(seen: Seen, limit: int, most: int) -> str | None:
    """The id of what is wrong. `most` is what a worker serves at most, if there is a `limit`."""
    if not limit and seen.grown >= KEPT:
        return "still-grows"
    if seen.grown >= GROWS_ANYWAY or (seen.grown >= KEEPS_SOME and most > HIGHEST):
        return "limit-too-high"
    return "recycled-too-often" if seen.lost > MOST_LOST else None
