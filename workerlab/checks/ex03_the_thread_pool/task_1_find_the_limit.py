"""Exercise 03, task 1: a function that finds out how many handlers run at once."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from workerlab.checks.calling import ask, did_not_return, is_blocking_client, no_function
from workerlab.checks.exercise import name_of, source_of
from workerlab.checks.runner import Result, call_alone
from workerlab.checks.verdicts import Verdict, right, wrong
from workerlab.server.server import Server, end

TOKENS = (7, 23)
SECONDS = 0.1  # from the last handler's begin to the end of all that run at once
LONGER = 0.2  # where the first look left open whether the machine was busy


@dataclass
class Seen:
    """What the function returned for one server, and what that server counted."""

    tokens: int
    result: Result
    begun: int
    peak: int

    @property
    def value(self) -> Any:
        return self.result.value

    @property
    def is_right(self) -> bool:
        return self.result.kind == "returned" and self.value == self.tokens

    @property
    def may_be_haste(self) -> bool:
        """Whether handlers may have ended before the pool was full, on a busy machine."""
        return (
            self.result.kind == "returned"
            and _is_number(self.value)
            and self.begun > self.tokens
            and self.peak > 1
            and 0 < self.value < self.tokens
        )


def judge_limit(function: Any) -> Verdict:
    """Call the function against two servers, side by side, with pools of different sizes."""
    if verdict := no_function(function):
        return verdict
    with ThreadPoolExecutor(len(TOKENS)) as threads:

        def look(seconds: float) -> list[Seen]:
            return list(threads.map(lambda server: _look(function, server, seconds), servers))

        try:
            servers = list(threads.map(_start, TOKENS))
            seen = look(SECONDS)
            in_doubt = all(one.is_right or one.may_be_haste for one in seen)
            if in_doubt and not all(one.is_right for one in seen):
                seen = look(LONGER)
        finally:
            list(threads.map(lambda tokens: end(_name(tokens), grace=0), TOKENS))
    call = f"{name_of(function)}(url)"
    for one in seen:
        if one.result.kind not in ("returned", "not json"):
            return did_not_return(one.result, call)
    ran = f"{call}, against a server with {TOKENS[0]} tokens and one with {TOKENS[1]}"
    came_back = " and ".join(repr(one.value) for one in seen)[:300]
    if all(one.is_right for one in seen):
        return right("your function finds the edge of either pool.", ran, came_back)
    begun = " and ".join(str(one.begun) for one in seen)
    peaks = " and ".join(str(one.peak) for one in seen)
    return _what_is_wrong(
        seen,
        source_of(function),
        {
            "ran": ran,
            "came_back": f"{came_back}\nthe servers saw {begun} requests, {peaks} of them at once",
            "expected": f"{TOKENS[0]} and {TOKENS[1]}",
        },
    )


def _name(tokens: int) -> str:
    return f"check-{tokens}"


def _start(tokens: int) -> Server:
    command = "uvicorn workerlab.checks.ex03_the_thread_pool.counting_app:app --port {port}"
    return Server(command, name=_name(tokens), env={"THREADS": str(tokens)})


def _look(function: Any, server: Server, seconds: float) -> Seen:
    url = f"{server.url}/slow-def?seconds={seconds:.2f}"
    before = ask(f"{server.url}/count")
    result = call_alone(source_of(function), name_of(function), [url])
    after = ask(f"{server.url}/count")
    return Seen(after["tokens"], result, after["begun"] - before["begun"], after["peak"])


def _what_is_wrong(seen: list[Seen], source: str, details: dict[str, str]) -> Verdict:
    refused = [one for one in seen if not one.is_right]
    look = refused[0]
    verdict = _no_number(look, details)
    if verdict is not None:
        return verdict
    if look.begun == 0:
        return wrong(
            "nothing-sent",
            "Your function sent no request, so it cannot know this server.",
            "Does the number come from the server, or from what you remember of the default?",
            **details,
        )
    if look.peak == 1:
        if is_blocking_client(source):
            return wrong(
                "blocking-client",
                "The requests went one by one, though they were started together.",
                "Does the client that you use await, or does it block the loop?",
                **details,
            )
        return wrong(
            "one-by-one",
            "Each request waited for the reply to the one before.",
            "How many threads does a server need that has one request at a time?",
            **details,
        )
    if look.begun <= look.tokens:
        return wrong(
            "too-few-sent",
            f"Your function sent {look.begun} requests, and all of them found a thread.",
            "How do you know that one more would have had to wait?",
            **details,
        )
    if all(one.value == one.begun for one in refused):
        return wrong(
            "all-that-were-sent",
            "Your function returns how many requests it sent, not how many ran at once.",
            "From when to when does a handler run: from sent to received, or from began to ended?",
            **details,
        )
    if all(one.value == math.ceil(one.begun / one.tokens) for one in seen):
        return wrong(
            "counts-the-steps",
            "Your function counts the steps of the staircase.",
            "You know how many steps there are. How many handlers stand on one?",
            **details,
        )
    if all(abs(one.value - one.tokens) == 1 for one in refused):
        return wrong(
            "off-by-one",
            f"Your function says {look.value}, and {look.tokens} run at once.",
            "Is the first one that has to wait among those that run at once?",
            **details,
        )
    if look.peak < look.tokens:
        return wrong(
            "limit-of-the-client",
            f"At most {look.peak} of your requests were there at once, of {look.begun}.",
            "What else limits how many go at once: a pool of threads, a semaphore, a connector?",
            **details,
        )
    if seen[0].value == seen[1].value:
        return wrong(
            "same-for-both",
            "Your function says the same of two different servers.",
            "Which part of your answer depends on the replies?",
            **details,
        )
    return wrong(
        "another-number",
        "This is not the number of handlers that ran at once.",
        "What must hold of began and ended of two handlers that run at the same moment?",
        **details,
    )


def _no_number(look: Seen, details: dict[str, str]) -> Verdict | None:
    if look.value is None:
        return wrong(
            "nothing-returned",
            "Your function returns nothing.",
            "Which line hands the number back?",
            **details,
        )
    if isinstance(look.value, str) and look.result.kind == "returned":
        return wrong(
            "text-not-number",
            "Your function returns a text.",
            "What does int() do?",
            **details,
        )
    if not _is_number(look.value):
        return wrong(
            "replies-not-number",
            "Your function returns a collection and not one number.",
            "What do you want to know of the replies, in one whole number?",
            **details,
        )
    if isinstance(look.value, float) and not look.value.is_integer():
        return wrong(
            "seconds-not-handlers",
            "Your function returns a fraction, and handlers come in whole numbers.",
            "Which of your figures counts handlers, and which is in seconds?",
            **details,
        )
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
