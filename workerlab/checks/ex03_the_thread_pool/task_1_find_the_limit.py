"""A function that finds out how many handlers a server runs at once."""

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from workerlab.checks.answer import name_of
from workerlab.checks.function import is_number, nothing_returned, refuse_no_function, returned_by
from workerlab.checks.observer import observed
from workerlab.checks.patience import slowness
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.records import Run

HINTS = [
    "If you send more requests than there are threads, which field of the replies shows "
    "that some of them waited?",
    "Two handlers run at the same moment if each began before the other ended. How many "
    "began before the very first of them ended?",
    "Send 41 requests with asyncio.gather, find the smallest ended among the replies, and "
    "count the replies whose began is smaller.",
]
COMMAND = "uvicorn workerlab.checks.together_app:app --port {port}"
TOKENS = (7, 23)
# Seconds from the last handler's begin to the end of all that run at once, and seconds for the
# function. The second look is for a value that the haste of a busy machine may have spoiled.
LOOKS = ((0.1, 7.0), (0.3, 10.0))
IDLE = 1.3  # how slow (see `slowness`) a machine may be that does not spoil a value


@dataclass(frozen=True)
class Look:
    """What the function returned for a server with this number of tokens, and what it saw."""

    tokens: int
    value: Any
    sent: int
    peak: int

    @property
    def is_whole(self) -> bool:
        return is_number(self.value) and self.value % 1 == 0

    @property
    def is_right(self) -> bool:
        return self.is_whole and self.value == self.tokens

    @property
    def is_certain(self) -> bool:
        """Whether a second look would show no more."""
        return self.is_right or not self.is_whole or self.sent == 0 or self.peak <= 1


# A test that all refused looks pass, the misconception, a sentence, a question. The first row whose
# test they pass is shown.
MISTAKES: list[tuple[Callable[[Look], bool], str, str, str]] = [
    (
        lambda look: look.sent == 0,
        "nothing-sent",
        "Your function sent no request, so it can't know this server.",
        "Does the number come from the server, or from what you remember about the default?",
    ),
    (
        lambda look: look.peak <= 1,
        "one-by-one",
        "Your requests arrived one by one, each after the reply to the previous one.",
        "Which line waits for a reply before the next request is sent?",
    ),
    (
        lambda look: look.value == look.sent > look.tokens,
        "all-that-were-sent",
        "Your function returns how many requests it sent, not how many ran at once.",
        "What do you count: requests that wait for a reply, or handlers between began and ended?",
    ),
    (
        lambda look: look.value == look.peak,
        "too-few-at-once",
        "Too few of your requests were at the server at once, so none of them had to wait.",
        "How do you know that one more would have waited? What limits your client: the number "
        "of requests, a pool of threads, a semaphore?",
    ),
    (
        lambda look: look.value == math.ceil(look.sent / look.tokens),
        "counts-the-steps",
        "Your function counts the steps of the staircase.",
        "You know how many steps there are. How many handlers are on one step?",
    ),
    (
        lambda look: abs(look.value - look.tokens) == 1,
        "off-by-one",
        "Your function is off by one.",
        "Does the first request that has to wait count among those that run at once?",
    ),
    (
        lambda look: True,
        "another-number",
        "This is not the number of handlers that ran at once.",
        "What must be true of began and ended of two handlers that run at the same moment?",
    ),
]


def check(function: Any) -> Verdict:
    """Call the function for two servers, side by side, whose pools are of different sizes."""
    refuse_no_function(function)
    with ThreadPoolExecutor(len(TOKENS)) as threads:
        looks = list(threads.map(partial(_look, function), TOKENS))
    last = [of_one[-1] for of_one in looks]
    details = {
        "ran": f"{name_of(function)}(url), for a server with {TOKENS[0]} tokens and one with "
        f"{TOKENS[1]}",
        "came_back": " and ".join(repr(look.value) for look in last)[:300],
    }
    if all(look.is_right for look in last):
        return right("your function finds the limit of both pools.", **details)
    has_changed = any(
        not of_one[-1].is_certain and of_one[-1].value != of_one[0].value for of_one in looks
    )
    if has_changed and slowness() > IDLE:
        return too_busy("asked twice about the same server, your function gave two numbers")
    details["came_back"] += "\nthe servers saw " + " and ".join(
        f"{look.sent} requests, {look.peak} of them handled at once" for look in last
    )
    details["expected"] = f"{TOKENS[0]} and {TOKENS[1]}"
    return _what_is_wrong([look for look in last if not look.is_right], details)


def _look(function: Any, tokens: int) -> list[Look]:
    """One look, or two where the first one leaves it open whether the machine was too busy."""
    looks: list[Look] = []
    ran = f"{name_of(function)}(url)"
    env = {"THREADS": str(tokens)}
    with observed(COMMAND, name=f"check-{tokens}", env=env) as seen:
        for seconds, limit in LOOKS:
            began, url = time.monotonic(), f"{seen.url}/wait?seconds={seconds}"
            result = returned_by(function, [[url]], ran, limit=limit, env=seen.caller_env)
            sent = [record for record in seen.run("/wait").records if record.sent > began]
            # Of a request that never got a thread, a Run takes the handler to begin on arrival.
            peak = Run([record for record in sent if record.in_thread_pool]).peak_overlap
            looks.append(Look(tokens, result.value[0], len(sent), peak))
            if looks[-1].is_certain:
                break
    return looks


def _what_is_wrong(looks: list[Look], details: Mapping[str, str]) -> Verdict:
    look = next((look for look in looks if not look.is_whole), looks[0])
    if look.value is None:
        return nothing_returned(**details)
    if not look.is_whole:
        return wrong(
            "not-a-whole-number",
            "Your function should return one whole number: how many handlers ran at once.",
            "Which of your values counts handlers?",
            **details,
        )
    told = next(row for fits, *row in MISTAKES if all(map(fits, looks)))
    return wrong(*told, **details)
