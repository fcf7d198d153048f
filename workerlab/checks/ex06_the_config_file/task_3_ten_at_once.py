"""Exercise 06, task 3: a file with which a worker serves at most ten requests at once."""

import time
from pathlib import Path
from typing import Any

from workerlab.checks.config import (
    COMMAND,
    Refused,
    read_once,
    served,
    written,
)
from workerlab.checks.ex06_the_config_file.no_limit import no_limit
from workerlab.checks.in_thread import in_thread
from workerlab.checks.patience import patience
from workerlab.checks.verdicts import Verdict, could_not_check, right, wrong
from workerlab.checks.worker_classes import class_of, judge_worker_class
from workerlab.load import burst
from workerlab.records import Run
from workerlab.server.server import Server

LIMIT = 10
REQUESTS = 13
SECONDS = 1.3  # for each handler
LONGER = 4.0  # where the first look left open whether the machine was busy
RAN = f"{COMMAND}\nand {REQUESTS} requests to /slow-await, each when the one before has begun"
EXPECTED = f"{LIMIT} handlers under way at once, and 503 for the other {REQUESTS - LIMIT}"


def judge_limit(config: Any) -> Verdict:
    """Send more requests than the limit, one upon another, and count those that are turned away."""
    try:
        with written(config) as folder:
            settings = read_once(folder)
            verdict = _class(settings) or _one_worker(settings)
            if verdict is not None:
                return verdict
            with served(folder, "--workers 1") as server:
                began = time.monotonic()
                run = _look(server, SECONDS)
                if not (_is_sure(run) or _waits(run)) and time.monotonic() - began < 3:
                    run = _look(server, LONGER)
                again = _look(server, 0.0, 1)
            if _is_right(run) and not again.failures:
                return right(
                    f"{LIMIT} handlers at once; the others were turned away.", RAN, _seen(run)
                )
            return _what_came_instead(config, folder, settings, run, again)
    except Refused as refused:
        return refused.verdict


def _class(settings: dict[str, Any]) -> Verdict | None:
    if not settings["bases"]:
        return None  # the launch will tell why
    return judge_worker_class(
        class_of(settings),
        ran=COMMAND,
        came_back=f"worker class: {settings['worker_class']}",
        expected="a UvicornWorker of the package uvicorn_worker, or a class built on it",
    )


def _one_worker(settings: dict[str, Any]) -> Verdict | None:
    if settings["workers"] == 1:
        return None
    return wrong(
        "several-workers",
        f"There would be {settings['workers']} workers.",
        "Does a number of workers limit how many requests one of them has under way?",
        ran=COMMAND,
        came_back=f"Gunicorn reads workers = {settings['workers']}",
        expected="one worker, with the limit",
    )


def _look(server: Server, seconds: float, count: int = REQUESTS) -> Run:
    urls = [f"{server.url}/slow-await?seconds={seconds}"] * count
    return in_thread(burst(urls, after="began", timeout=patience(9)))


def _is_sure(run: Run) -> bool:
    """Whether all requests were there before the first handler had ended."""
    ended = [record.ended for record in run.records if record.ended is not None]
    return bool(ended) and max(record.sent for record in run.records) < min(ended)


def _waits(run: Run) -> bool:
    """Whether the first request too many had long been sent, and began when another ended."""
    ended = [record.ended for record in run.records if record.ended is not None]
    return (
        run.peak_overlap == LIMIT
        and not run.failures
        and min(ended) - run.records[LIMIT].sent > SECONDS / 2
    )


def _is_right(run: Run) -> bool:
    statuses = [record.status for record in run.records]
    return (
        _is_sure(run)
        and run.peak_overlap == LIMIT
        and statuses == [200] * LIMIT + [503] * (REQUESTS - LIMIT)
    )


def _seen(run: Run) -> str:
    statuses = [str(record.status or record.error) for record in run.records]
    counts = ", ".join(f"{statuses.count(status)} x {status}" for status in sorted(set(statuses)))
    return f"{run.peak_overlap} handlers under way at once; {counts}"


def _what_came_instead(
    config: str, folder: Path, settings: dict[str, Any], run: Run, again: Run
) -> Verdict:
    details = {"ran": RAN, "came_back": _seen(run), "expected": EXPECTED}
    refused = [record for record in run.records if record.status == 503]
    if _waits(run):
        return wrong(
            "surplus-waits",
            "The surplus is not turned away: it waits for its turn.",
            "How does whoever asks learn at once that this worker takes no more?",
            **details,
        )
    if settings["max_requests"] and not refused:
        return no_limit(config, folder, settings, details)
    if not _is_sure(run) and not run.failures:
        return could_not_check("this machine was too busy to have 13 requests under way at once")
    if not refused and not run.failures:
        return no_limit(config, folder, settings, details)
    if refused and again.failures:
        return wrong(
            "never-again",
            "When all had been answered, the worker turned the next request away as well.",
            "What has to happen to your count when a request has been answered?",
            **details,
        )
    if not refused:
        return wrong(
            "another-failure",
            "The surplus is not answered with 503.",
            "What does a proxy make of a connection that breaks, and what of a 503?",
            **details,
        )
    if run.peak_overlap == LIMIT - 1:
        return wrong(
            "one-too-few",
            f"{LIMIT - 1} were served at once, and it should be {LIMIT}.",
            "Uvicorn counts open connections. Is the one that has just come among them?",
            **details,
        )
    if run.peak_overlap < LIMIT:
        return wrong(
            "too-few",
            f"{run.peak_overlap} were served at once, and it should be {LIMIT}.",
            "What is counted, and from which number on is a request turned away?",
            **details,
        )
    return wrong(
        "too-many",
        f"{run.peak_overlap} were served at once, and it should be {LIMIT}.",
        "From which number on is a request turned away: is it the limit, or one more?",
        **details,
    )
