"""Exercise 03, task 2: what may be wrong with the size of the pool, or with the app."""

import ast
from typing import Any

from workerlab.checks.app import Seen
from workerlab.checks.verdicts import Verdict, could_not_check, wrong

TOKENS = 60
REQUESTS = 64
PATH = "/wait"
READ = "the cell has been read"
SETTING = ("total_tokens", "current_default_thread_limiter")
EXPECTED = f"{TOKENS} handlers at once, and the other {REQUESTS - TOKENS} wait for a thread"


def did_not_start(seen: Seen) -> Verdict:
    """The verdict on an app whose server did not come up."""
    details = {
        "ran": "your app, served by Uvicorn",
        "came_back": seen.error or seen.log[-300:],
        "expected": "an app that starts",
    }
    if "NoEventLoopError" in seen.log:
        return wrong(
            "at-import",
            "The pool belongs to an event loop, and while the module is imported none runs yet.",
            "Your notebook has a running loop; the server which imported your app had none yet. "
            "Which part of the app runs when the loop does?",
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


def not_the_reply(seen: Seen) -> Verdict:
    """The verdict on replies which do not say when their handlers began and ended."""
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


def another_peak(app: Any, source: str, peak: int) -> Verdict:
    """The verdict on another number of handlers at once than was asked for."""
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
