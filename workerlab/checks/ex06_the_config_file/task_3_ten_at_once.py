"""Exercise 06, task 3: a file with which a worker serves at most ten requests at once.

The handlers are held until no request more begins or is answered, so no time plays a part.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workerlab.checks.command import served
from workerlab.checks.config import COMMAND, judge_worker_class, settings_of, unknown_names, written
from workerlab.checks.ex06_the_config_file.held_app import FOLDER, RELEASED
from workerlab.checks.patience import patience
from workerlab.checks.print_config import FILE
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Refused, Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Record

HINTS = [
    "Which option of Uvicorn turns requests away with 503? What does uvicorn --help say?",
    "A class built on UvicornWorker can pass more parameters to Uvicorn. Through which attribute? "
    "And how many connections are open when the tenth request is looked at?",
    "class LimitedWorker(UvicornWorker), in it CONFIG_KWARGS = {**UvicornWorker.CONFIG_KWARGS, "
    '"limit_concurrency": 11}; below it worker_class = LimitedWorker, without quotation marks.',
]

LIMIT = 10
REQUESTS = 13
TURNS = 100  # of this event loop, 10 ms or more each, for a request to begin or be refused
AGAIN = 20  # more requests at most, until one is served
START_LIMIT = 5.0  # seconds
APP = "workerlab.checks.ex06_the_config_file.held_app:app"
SERVED = f"gunicorn {APP} -c {FILE} --workers 1 --bind 127.0.0.1:{{port}}"
DETAILS = {
    "ran": f"gunicorn -c {FILE}\n{REQUESTS} requests that await, each sent when the one before "
    "has begun or been answered",
    "expected": f"{LIMIT} in progress at once, and 503 for the other {REQUESTS - LIMIT}",
}


@dataclass
class Seen:
    """What came of the requests: how many had begun before the release (`held`), whether one was
    `stuck`, neither begun nor answered; their replies in the order of sending, and one more."""

    held: int
    stuck: bool
    replies: list[Record]
    again: Record

    @property
    def statuses(self) -> list[int | None]:
        return [reply.status for reply in self.replies]

    def __str__(self) -> str:
        counts = Counter(str(status or "no reply") for status in self.statuses)
        replies = ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))
        waiting = ", and the next one waited" if self.stuck else ""
        return f"{self.held} in progress at once{waiting}; {replies}"


MISTAKES = {
    "surplus-waits": (
        "Requests beyond the limit are not turned away: they wait their turn.",
        "How does a client learn at once that this worker takes no more?",
    ),
    "another-failure": (
        "Requests beyond the limit don't get a 503.",
        "What does a client learn from a broken connection, and what from a 503?",
    ),
    "never-again": (
        "Once all had been answered, the worker turned the next request away as well.",
        "What has to happen to your count when a request has been answered?",
    ),
    "another-number": (
        f"The number of requests served at once is not {LIMIT}.",
        "What is counted, does that include the request that has just arrived, and from which "
        "number on is a request turned away?",
    ),
    "limit-in-all": (
        "max_requests counts all requests, not only those in progress.",
        "What happens once that many have been served?",
    ),
    "worker-connections": (
        "worker_connections does nothing under this worker class.",
        "Who would have to read it: Gunicorn's master, or Uvicorn in the worker?",
    ),
    "parameter-of-uvicorn": (
        "limit_concurrency is a parameter of Uvicorn; Gunicorn skips it silently.",
        "Which class passes settings on to Uvicorn, and which of its attributes adds more?",
    ),
    "no-limit": (
        "All were served at once.",
        "Which parameter of Uvicorn turns requests away, and how does it reach the workers?",
    ),
}


def check(config: Any) -> Verdict:
    """Send more requests than the limit, one by one, and count those turned away."""
    with written(config) as folder:
        settings = settings_of(folder)
        name = settings["worker_class"]
        if verdict := judge_worker_class(name, ran=COMMAND, came_back=f"worker_class = {name}"):
            return verdict
        try:
            env = {FOLDER: str(folder)}
            with served(SERVED, cwd=folder, env=env, timeout=patience(START_LIMIT)) as server:
                seen = run_coroutine(_look(server.url, folder))
        except Refused as refused:
            if refused.verdict.misconception != "answers-nothing":
                raise
            return _wrong("surplus-waits", "no request was answered at all")
    if mistake := _mistake(config, settings, seen):
        return _wrong(mistake, str(seen))
    return right(f"{LIMIT} at once; the others were turned away.", DETAILS["ran"], str(seen))


def _wrong(mistake: str, seen: str) -> Verdict:
    return wrong(mistake, *MISTAKES[mistake], **DETAILS, came_back=seen)


async def _look(url: str, folder: Path) -> Seen:
    requests: list[asyncio.Task[Record]] = []
    stuck = False
    while len(requests) < REQUESTS and not stuck:
        began = folder / str(len(requests))
        requests.append(asyncio.ensure_future(_ask(f"{url}/hold?number={began.name}")))
        stuck = not await _has_settled(requests[-1], began)
    held = sum((folder / str(number)).exists() for number in range(len(requests)))
    (folder / RELEASED).touch()
    await asyncio.wait(requests, timeout=patience(3))
    replies = [await request if request.done() else Record() for request in requests]
    for _ in range(AGAIN):
        again = await _ask(f"{url}/hold?number={REQUESTS}", patience(3))
        if again.status in (200, None):
            break
    return Seen(held, stuck, replies, again)


async def _ask(url: str, timeout: float = 100.0) -> Record:
    run = await burst(url, timeout=timeout)
    return run.records[0]


async def _has_settled(request: asyncio.Task[Record], began: Path) -> bool:
    for _ in range(TURNS):
        if request.done() or began.exists():  # noqa: ASYNC240
            return True
        await asyncio.sleep(0.01)
    return False


def _mistake(config: str, settings: dict[str, Any], seen: Seen) -> str | None:
    """The id of what is wrong; raises Refused where the machine was too busy to tell."""
    held, surplus = seen.statuses[: seen.held], seen.statuses[seen.held :]
    are_refused = surplus == [503] * (REQUESTS - seen.held)
    if seen.held == LIMIT and are_refused and seen.again.status == 200:
        return None
    if seen.held == REQUESTS or settings["max_requests"]:
        return _without_effect(config, settings)
    are_served = held == [200] * seen.held
    last = seen.replies[-1]
    has_waited = last.status is None or (isinstance(last.reply, dict) and last.reply.get("waited"))
    if seen.stuck and has_waited and held and are_served:
        return "surplus-waits"
    is_pending = any(reply.status is None and not reply.error for reply in seen.replies)
    if is_pending or seen.again.status is None or (seen.stuck and last.status in (200, 503)):
        raise Refused(too_busy("a request was neither served nor turned away in time"))
    if not are_refused or not are_served:
        return "another-failure"
    return "never-again" if seen.again.status != 200 else "another-number"


def _without_effect(config: str, settings: dict[str, Any]) -> str:
    if settings["max_requests"]:
        return "limit-in-all"
    if settings["worker_connections"] != 1000:
        return "worker-connections"
    return "parameter-of-uvicorn" if "limit_concurrency" in unknown_names(config) else "no-limit"
