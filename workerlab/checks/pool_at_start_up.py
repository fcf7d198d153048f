"""Exercise 03, task 2: an app which sets the size of its pool when it starts."""

import ast
import inspect
import time
from typing import Any

from workerlab.checks.serving import Seen, serve_and_ask
from workerlab.exercise import source_of
from workerlab.records import peak_overlap
from workerlab.verdicts import Verdict, could_not_check, not_attempted, right, wrong

TOKENS = 60
REQUESTS = 64
SECONDS = 1.0  # for each handler
LONGER = 2.0  # where the first look left open whether the machine was busy
PATH = "/wait"
READ = "the cell has been read"
SETTING = ("total_tokens", "current_default_thread_limiter")
EXPECTED = f"{TOKENS} handlers at once, and the other {REQUESTS - TOKENS} wait for a thread"


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
        return _did_not_start(seen)
    if peak is None:
        return _not_the_reply(seen)
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
    return _another_peak(app, source, peak)


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
        return _did_not_start(seen)
    if peak is None:
        return _not_the_reply(seen)
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


def _did_not_start(seen: Seen) -> Verdict:
    details = {
        "ran": "your app, served by Uvicorn",
        "came_back": seen.error or seen.log[-300:],
        "expected": "an app that starts",
    }
    if "NoEventLoopError" in seen.log:
        return wrong(
            "at-import",
            "The pool belongs to an event loop, and while the module is imported none runs yet.",
            "Your notebook has a running loop, a server that imports your app has not. Which part "
            "of the app runs when the loop does?",
            **details,
        )
    if "startup failed" in seen.log:
        return wrong(
            "start-up-raises",
            "The start-up part of your app raised an exception.",
            "What does the last line of the log say?",
            **details,
        )
    if "NameError" in seen.error:
        return wrong(
            "needs-another-cell",
            "Your cell does not work alone.",
            "Is everything that the app uses imported in its own cell?",
            **details,
        )
    if seen.error:
        return wrong(
            "raises-at-import",
            "Your cell raised an exception while it was imported.",
            "Which line does the error come from?",
            **details,
        )
    if seen.failed and not seen.endless:
        return wrong(
            "ends-the-process",
            "Your cell ended the process of the server.",
            "Which line ends the whole program?",
            **details,
        )
    if not (seen.endless or READ in seen.log):
        return could_not_check("the server did not come so far as to read your cell; run it again")
    return wrong(
        "never-comes-up",
        "The server did not come up within some seconds; it was ended.",
        "Which line waits for ever before the app can answer?",
        **details,
    )


def _not_the_reply(seen: Seen) -> Verdict:
    answered = [reply for reply in seen.replies if reply.status is not None]
    if not answered:
        return wrong(
            "never-replies",
            f"No request to {PATH} had its reply in time.",
            "What do the handlers wait for?",
            ran=f"your app, and requests to {PATH}",
            came_back=seen.replies[0].error,
            expected=EXPECTED,
        )
    failed = [reply for reply in answered if reply.status != 200]
    if failed:
        return wrong(
            "fails-when-asked",
            f"{PATH} answered with status {failed[0].status}.",
            "In which thread does the handler run, and is there an event loop in that thread?",
            ran=f"your app, and a GET of {PATH}",
            came_back=seen.error or f"status {failed[0].status}",
            expected="status 200, and the reply that was given",
        )
    return wrong(
        "reply-changed",
        "The reply does not say any more when its handler began and ended.",
        "Which part of the cell was yours to fill in?",
        ran=f"your app, and a GET of {PATH}",
        came_back=str(answered[0].body)[:300],
        expected='a reply with "began" and "ended"',
    )


def _another_peak(app: Any, source: str, peak: int) -> Verdict:
    details = {
        "ran": f"your app, and {REQUESTS} requests to {PATH} at once",
        "came_back": f"{peak} handlers under way at one moment",
        "expected": EXPECTED,
    }
    if peak == 40:
        return _still_forty(app, source, details)
    if abs(peak - TOKENS) == 1:
        return wrong(
            "off-by-one",
            f"{peak} handlers ran at once, and it should be {TOKENS}.",
            "Which is the first request that has to wait?",
            **details,
        )
    if peak > TOKENS and "+=" in source:
        return wrong(
            "added-to-the-forty",
            f"More than {TOKENS} handlers ran at once.",
            "How many tokens were there before you added yours?",
            **details,
        )
    if peak > TOKENS:
        return wrong(
            "too-many",
            f"More than {TOKENS} handlers ran at once.",
            "What does each further thread cost, and how many were asked for?",
            **details,
        )
    return wrong(
        "too-few",
        f"{peak} handlers ran at once, and it should be {TOKENS}.",
        "What is the number of tokens when the first request comes?",
        **details,
    )


def _still_forty(app: Any, source: str, details: dict[str, str]) -> Verdict:
    """The pool is as it was. What was set instead?"""
    default = type(app.router.lifespan_context).__module__.startswith(("fastapi", "starlette"))
    if default and "asynccontextmanager" in source and "on_event" not in source:
        return wrong(
            "lifespan-not-handed-over",
            "The app does not know your lifespan, so nobody runs it.",
            "Where does FastAPI learn which function is its lifespan?",
            **details,
        )
    if "on_event" in source:
        return wrong(
            "on-event-beside-lifespan",
            "An app that has a lifespan does not run its on_event functions.",
            "Which of the two does your app run when it starts?",
            **details,
        )
    if _is_set_after_yield(source):
        return wrong(
            "at-shut-down",
            "The number is set after the yield, when the app shuts down.",
            "When does the part before the yield run, and when the part after it?",
            **details,
        )
    if "CapacityLimiter(" in source:
        return wrong(
            "limiter-of-your-own",
            "You made another limiter, and FastAPI goes on using its own.",
            "How do you get hold of the limiter that is there already?",
            **details,
        )
    if "ThreadPoolExecutor" in source or "set_default_executor" in source:
        return wrong(
            "executor-of-the-loop",
            "This is the pool of asyncio.to_thread. FastAPI's handlers do not run in it.",
            "Which library gives FastAPI its threads, and what counts them there?",
            **details,
        )
    if "limit_concurrency" in source or "uvicorn" in source:
        return wrong(
            "limit-of-the-server",
            "A limit of the server's refuses requests; it gives the app no thread.",
            "Who owns the pool: the server, or the library under FastAPI?",
            **details,
        )
    if "asyncio.run(" in source or "anyio.run(" in source:
        return wrong(
            "another-loop",
            "The number was set in a loop of its own, which has ended since.",
            "Every event loop has its own pool. Which one will serve the requests?",
            **details,
        )
    return wrong(
        "nobody-reads-it",
        "The pool has its 40 tokens still: what you set is read by nobody.",
        "Which object counts the tokens, and what is its attribute called?",
        **details,
    )


def _is_set_after_yield(source: str) -> bool:
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        nodes = list(ast.walk(function))
        yields = [node.lineno for node in nodes if isinstance(node, ast.Yield)]
        sets = [n.lineno for n in nodes if isinstance(n, ast.Attribute) and n.attr in SETTING]
        if yields and sets:
            return min(sets) > min(yields)
    return False
