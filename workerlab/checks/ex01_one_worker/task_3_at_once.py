"""Task 3: a coroutine that sends n requests at once and waits for all replies."""

import re
import time
from typing import Any

from workerlab.checks.answer import name_of, source_of
from workerlab.checks.function import did_not_return, refuse_no_function
from workerlab.checks.observer import Observer, observed
from workerlab.checks.patience import patience
from workerlab.checks.runner import LIMIT, Result, call_in_subprocess
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.records import Run

HINTS = [
    "Where does your function wait: after each request, or once all of them have been sent?",
    "Lesson 01 sent eight at once. Which function of asyncio started them all?",
    "Write a small async function that sends one request, and pass n calls to asyncio.gather.",
]
COMMAND = "uvicorn workerlab.checks.together_app:app --port {port}"
# How many requests to send, and for how many seconds each handler waits for more of them to begin.
# The second look is longer: by then, a client that waits for each reply has shown it.
HOLDS = {5: 0.4, 12: 1.1}
SECOND_LOOK = 1.1, 3.5  # seconds
Call = tuple[Result, Run, int]  # how it ended, its requests to the URL, how many went elsewhere
STARTS_TOGETHER = re.compile(r"\b(?:gather|create_task|ensure_future|TaskGroup)\b")
BLOCKS = re.compile(r"\b(?:urlopen|http\.client|requests\.\w+|httpx\.(?:get|Client))\b")


def check(function: Any) -> Verdict:
    """Call the function for each number, and count its requests inside the server."""
    refuse_no_function(function)
    with observed(COMMAND) as seen:
        for n, hold in HOLDS.items():
            call = f"{name_of(function)}(url, {n})"
            result, run, elsewhere = _call(function, n, seen, hold, LIMIT)
            if result.kind not in ("returned", "not json"):
                return did_not_return(result, call)
            expected = f"{n} requests, {n} in progress at once, and all replies waited for"
            details = {"ran": call, "came_back": _counted(run), "expected": expected}
            if verdict := _not_n_requests(n, result, run, elsewhere, details):
                return verdict
            if run.peak_overlap < n:
                # A client that waits for each reply does so however long the handler takes.
                _, run, _ = _call(function, n, seen, *SECOND_LOOK)
                if not any(record.ended for record in run.records):
                    return too_busy("your function did not get its requests sent in time")
                if run.peak_overlap < n:
                    return _not_at_once(run.peak_overlap, source_of(function), details)
    sentence = f"all requests were in progress at once, for {' and for '.join(map(str, HOLDS))}."
    return right(sentence, call, _counted(run))


def _call(function: Any, n: int, seen: Observer, hold: float, limit: float) -> Call:
    """Call the function with a URL whose handlers wait for `hold` seconds."""
    path = f"/work?seconds={patience(hold):.2f}"
    began = time.monotonic()
    result = call_in_subprocess(function, [[seen.url + path, n]], limit=limit)
    records = [record for record in seen.run().records if record.sent > began]
    run = Run([record for record in records if record.url == path])
    return result, run, len(records) - len(run)


def _counted(run: Run) -> str:
    return f"{_requests(len(run))} arrived, {run.peak_overlap} in progress at once"


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count} requests"


def _not_n_requests(
    n: int, result: Result, run: Run, elsewhere: int, details: dict[str, str]
) -> Verdict | None:
    if elsewhere and not len(run):
        return wrong(
            "another-url",
            "Your requests went to a different URL than the one passed to your function.",
            "What do you add to the URL? Isn't it complete as it is?",
            **details,
        )
    if not len(run) or any(not one.ended or one.ended > result.until for one in run.records):
        return wrong(
            "not-waited-for",
            "Your function returned before the replies had arrived.",
            "What waits for a task that has been created?",
            **details,
        )
    if len(run) != n:
        return wrong(
            "off-by-one" if abs(len(run) - n) == 1 else "fixed-number",
            f"Your function sent {_requests(len(run))} instead of {n}.",
            "Where does n appear in your function?",
            **details,
        )
    return None


def _not_at_once(peak: int, source: str, details: dict[str, str]) -> Verdict:
    if peak > 1:
        return wrong(
            "in-batches",
            "Not all of the requests were in progress at once.",
            "What limits how many go at once: a semaphore, a pool of threads, a connector?",
            **details,
        )
    if STARTS_TOGETHER.search(source) and BLOCKS.search(source):
        return wrong(
            "blocking-client",
            "The requests went one by one, although they were started together.",
            "Does your HTTP client await, or does it block the event loop?",
            **details,
        )
    return wrong(
        "one-by-one",
        "Each request waited for the reply to the previous one.",
        "Who was waiting in lesson 01, when the eight went one by one?",
        **details,
    )
