"""A lifespan that gives the thread pool sixty tokens."""

import ast
from typing import Any

from workerlab.checks.answer import body_of, name_of, source_of
from workerlab.checks.app import serving
from workerlab.checks.function import refuse_no_function
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, asked_anew, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Run

FORM = 2
HINTS = [
    "Which function of lesson 03's own_app sets the number of tokens, and when does it run?",
    "The part before the yield runs when the app starts. Which object counts the tokens, and "
    "how do you get hold of the one that FastAPI uses?",
    "anyio.to_thread.current_default_thread_limiter() returns the limiter; set its "
    "total_tokens before the yield.",
]
APP = "workerlab.checks.ex03_the_thread_pool.pool_app"
TOKENS = 60
REQUESTS = 64
# From the last handler's begin to the end of all that run at once: for a first look, and for a
# second one where the machine was too busy for the first.
LOOKS = (0.3, 1.2)  # seconds
TIMEOUT = 5.0  # seconds for each request


def check(lifespan: Any) -> Verdict:
    """Serve an app with this lifespan and count how many handlers of /wait run at once."""
    if hasattr(lifespan, "routes"):  # the app, as the task asked for it before
        return asked_anew("03")
    refuse_no_function(lifespan)
    source = f"{source_of(lifespan)}\n\nlifespan = {name_of(lifespan)}\n"
    with serving(source, APP, probe=True) as server:
        for seconds in LOOKS:
            wait = f"{server.url}/wait?seconds={seconds}"
            run = run_coroutine(burst(wait, n=REQUESTS, timeout=patience(TIMEOUT)))
            # Of a request that never got a thread, a Run takes the handler to begin on arrival.
            handled = Run([record for record in run.records if record.in_thread_pool])
            if _is_certain(run, handled):
                return _verdict_on(handled.peak_overlap, lifespan)
    return too_busy(f"{REQUESTS} requests did not reach the server at once")


def _is_certain(run: Run, handled: Run) -> bool:
    """Whether all requests were there before the first handler ended: the others had to wait."""
    if handled.peak_overlap == REQUESTS:
        return True
    reached = [record.reached for record in run.records]
    ended = [record.ended for record in handled.records if record.ended is not None]
    return None not in reached and bool(ended) and max(reached) < min(ended)


def _verdict_on(peak: int, lifespan: Any) -> Verdict:
    details = {
        "ran": f"an app with your lifespan, and {REQUESTS} requests to its /wait at once",
        "came_back": f"{peak} handlers at once",
    }
    if peak == TOKENS:
        return right(f"{TOKENS} handlers ran at once, and the rest waited for a thread.", **details)
    details["expected"] = f"{TOKENS} handlers at once, and {REQUESTS - TOKENS} that wait"
    if peak == 40 and _goes_on_after_yield(lifespan):
        return wrong(
            "at-shut-down",
            "The pool still has its 40 tokens: the lines after the yield run at shutdown.",
            "When does the part before the yield run, and when the part after it?",
            **details,
        )
    if peak == 40:
        return wrong(
            "still-forty",
            "The pool still has its 40 tokens: nothing reads the value you set.",
            "Which object does FastAPI ask for a token, and what is its attribute called?",
            **details,
        )
    if abs(peak - TOKENS) == 1:
        return wrong(
            "off-by-one",
            f"{peak} handlers ran at once; it should be {TOKENS}.",
            "Which request is the first that has to wait?",
            **details,
        )
    if peak > TOKENS:
        return wrong(
            "too-many",
            f"More than {TOKENS} handlers ran at once.",
            "How many tokens were there before your line ran, and how many after it?",
            **details,
        )
    return wrong(
        "too-few",
        f"{peak} handlers ran at once; it should be {TOKENS}.",
        "How many tokens are there when the first request arrives?",
        **details,
    )


def _goes_on_after_yield(lifespan: Any) -> bool:
    body = body_of(lifespan) or []
    yields = [isinstance(getattr(line, "value", None), ast.Yield) for line in body]
    return True in yields and not yields[-1]
