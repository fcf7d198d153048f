"""Exercise 03, task 2: an app which sets the size of its pool when it starts."""

import ast
import inspect
import time
from typing import Any

from workerlab.checks.app import Seen, serve_and_ask
from workerlab.checks.ex03_the_thread_pool.pool_mistakes import (
    PATH,
    READ,
    REQUESTS,
    TOKENS,
    another_peak,
    did_not_start,
    not_the_reply,
)
from workerlab.checks.exercise import source_of
from workerlab.checks.verdicts import Verdict, could_not_check, not_attempted, right, wrong
from workerlab.records import peak_overlap

SECONDS = 1.0  # for each handler
LONGER = 2.0  # where the first look left open whether the machine was busy


def judge_start_up(app: Any) -> Verdict:
    """Serve the cell and count how many handlers of /wait are under way at once."""
    endpoint = _endpoint(app)
    if endpoint is None:
        return _no_endpoint(app)
    source = source_of(endpoint)
    if _has_dots(source):
        return not_attempted()
    if inspect.iscoroutinefunction(endpoint):
        return _async_endpoint(source)
    began = time.monotonic()
    seen, peak = _look(source, REQUESTS, SECONDS)
    if seen.started and not _is_sure(seen, peak) and time.monotonic() - began < 3.5:
        seen, peak = _look(source, REQUESTS, LONGER)
    if not seen.started:
        return did_not_start(seen)
    if peak is None:
        return not_the_reply(seen)
    if peak == TOKENS:
        return right(
            f"{TOKENS} handlers ran at once, and the others waited for a thread.",
            f"your app, and {REQUESTS} requests to {PATH} at once",
            f"{peak} handlers under way at one moment",
        )
    if not _is_sure(seen, peak) and peak > 40:
        return could_not_check(
            "this machine was too busy to start so many handlers within a second; run it again"
        )
    return another_peak(app, source, peak)


def _look(source: str, n: int, seconds: float) -> tuple[Seen, int | None]:
    """The peak of handlers under way; None where the replies do not say."""
    source = f"{source}\nprint({READ!r}, flush=True)\n"
    seen = serve_and_ask(source, [f"{PATH}?seconds={seconds}"] * n)
    # What waited for too long has no reply; the others still tell the peak.
    answered = [reply for reply in seen.replies if reply.status is not None]
    times = [_times(reply.body) for reply in answered if reply.status == 200]
    if not times or len(times) < len(answered) or None in times:
        return seen, None
    return seen, peak_overlap(times)


def _times(body: Any) -> tuple[float, float] | None:
    """When a handler began and ended, as its reply has it."""
    if not isinstance(body, dict):
        return None
    times = body.get("began"), body.get("ended")
    return times if all(isinstance(moment, int | float) for moment in times) else None


def _is_sure(seen: Seen, peak: int | None) -> bool:
    """Whether all requests had reached the app before the first handler ended."""
    if peak is None or peak == REQUESTS:
        return True
    reached = [request["reached"] for request in seen.watched.get("requests", [])]
    ended = [times[1] for reply in seen.replies if (times := _times(reply.body))]
    return len(reached) == REQUESTS and max(reached) < min(ended)


def _endpoint(app: Any) -> Any:
    for route in getattr(app, "routes", []):
        if getattr(route, "path", "") == PATH:
            return inspect.unwrap(route.endpoint)
    return None


def _no_endpoint(app: Any) -> Verdict:
    if not hasattr(app, "routes"):
        return wrong(
            "not-an-app",
            f"The answer is of type {type(app).__name__} and not an app.",
            "Which line of the cell makes the app?",
            expected="the FastAPI object itself",
        )
    return wrong(
        "no-such-endpoint",
        f"The app has no endpoint {PATH} any more.",
        "Which part of the cell was yours to fill in?",
        expected=f"the endpoint {PATH}, as it was given",
    )


def _has_dots(source: str) -> bool:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    lines = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    return any(isinstance(line, ast.Constant) and line.value is ... for line in lines)


def _async_endpoint(source: str) -> Verdict:
    """A coroutine takes no thread: either it blocks the loop, or nothing limits it."""
    seen, peak = _look(source, 3, 0.3)
    if not seen.started:
        return did_not_start(seen)
    if peak is None:
        return not_the_reply(seen)
    details = {
        "ran": f"your app, and 3 requests to {PATH} at once",
        "came_back": f"{peak} under way at one moment",
        "expected": f"{PATH} as it was given: a plain def, in the thread pool",
    }
    if peak == 1:
        return wrong(
            "blocks-the-loop",
            "The handler is async def now, and it blocks the event loop while it sleeps.",
            "In which thread does FastAPI run an async def handler?",
            **details,
        )
    return wrong(
        "not-in-the-pool",
        "The handler is async def now: it does not use the pool, so nothing limits it.",
        "Which handlers does FastAPI run in the thread pool?",
        **details,
    )
