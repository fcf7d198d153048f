"""The checks of exercise 02: three apps whose handlers must leave the event loop free."""

import inspect
import json
import random
from collections.abc import Callable
from typing import Any

from workerlab.checks.app import Seen, serve_and_ask
from workerlab.checks.ex02_blocking_the_loop.ticket_service import TicketService, ticket_service
from workerlab.checks.exercise import Exercise, source_of
from workerlab.checks.patience import patience
from workerlab.checks.served_apps import (
    another_answer,
    bad_status,
    before_it_was_done,
    did_not_start,
    no_reply,
    not_awaited,
)
from workerlab.checks.verdicts import Verdict, could_not_check, right, wrong

SECONDS = 0.5  # that /report waits, and the service behind /ticket takes
STEPS = 1_000_000  # of the checksum
LOOKS = 3  # where a busy machine may have held up what was under way together
HELD = 0.25  # a larger share of the work, done while it holds the loop, is blocking

check = Exercise("02")


@check.task(
    1,
    hints=[
        "Who else needs the thread on which time.sleep waits?",
        "Lesson 02 shows three cures. Which of them can wait without a thread at all?",
        "asyncio has a sleep of its own; it hands the thread back, if you await it.",
    ],
)
def report(function: Any) -> Verdict:
    """Serve the app; four reports at once, each half a second, and the loop is free."""

    def look(seen: Seen, details: dict[str, str]) -> Verdict | None:
        expected = {"report": "ready"}
        for reply in seen.replies:
            if reply.body != expected:
                return another_answer(seen, reply.body, details, json.dumps(expected))
        if min(seen.seconds) < 0.9 * SECONDS:
            return _too_early(seen, details)
        return None

    def look_at_loop(seen: Seen, details: dict[str, str]) -> Verdict | None:
        if (verdict := _blocked(seen, 4 * SECONDS, details)) is not None:
            return verdict
        # Where only two can wait at a time, the third is ready after twice half a second.
        return _one_at_a_time(details) if max(seen.seconds) > 1.9 * SECONDS else None

    return _judge(function, ["/report"] * 4, look, look_at_loop)


@check.task(
    2,
    hints=[
        "urlopen waits for the other service. On which thread, when the handler is async def?",
        "Is there a client that you can await? If there is none, on which thread may urlopen "
        "block without harm?",
        "Three ways: await an aiohttp.ClientSession; or def without async; or move the two lines "
        "into a function and await run_in_threadpool(that_function).",
    ],
)
def ticket(function: Any) -> Verdict:
    """Serve the app beside a slow service; four tickets at once, all of them fresh."""
    with ticket_service(SECONDS) as service:

        def look(seen: Seen, details: dict[str, str]) -> Verdict | None:
            for reply in seen.replies:
                if (verdict := _not_a_ticket(seen, reply.body, service, details)) is not None:
                    return verdict
            if len({reply.body["ticket"] for reply in seen.replies}) < len(seen.replies):
                return wrong(
                    "old-answer",
                    "Several requests got the same ticket, and the service gives each but once.",
                    "How often does your code ask the service: for each request, or only once?",
                    **details,
                )
            return None

        def look_at_loop(seen: Seen, details: dict[str, str]) -> Verdict | None:
            # Several at once have waited for the service, so none of them held the loop for it.
            # To make a client takes the loop's time too, with httpx a good deal of it.
            if service.peak > 1:
                return None
            return _blocked(seen, 4 * SECONDS, details) or _one_at_a_time(details)

        return _judge(
            function,
            ["/ticket"] * 4,
            look,
            look_at_loop,
            {"UPSTREAM": service.url},
        )


@check.task(
    3,
    hints=[
        "There is nothing to wait for here. Can `await` alone make a computation step aside?",
        "Which two of the cures in lesson 02 put the work on another thread than the loop's?",
        "def without async; or `await run_in_threadpool(checksum, seed)`; or, in a process, "
        "`await loop.run_in_executor(pool, checksum, seed)` with a ProcessPoolExecutor.",
    ],
)
def get_checksum(function: Any) -> Verdict:
    """Serve the app; three checksums at once, and /health is answered meanwhile."""
    seeds = random.sample(range(1, 1_000_000), 3)
    expected = [{"checksum": checksum(seed)} for seed in seeds]

    def look(seen: Seen, details: dict[str, str]) -> Verdict | None:
        bodies = [reply.body for reply in seen.replies]
        if bodies == expected:
            return None
        for body, its_expected in zip(bodies, expected, strict=True):
            if not (isinstance(body, dict) and set(body) == {"checksum"}):
                return another_answer(seen, body, details, json.dumps(its_expected))
        details = {
            **details,
            "came_back": "\n".join(f"seed {s}: {b}" for s, b in zip(seeds, bodies, strict=True)),
            "expected": "\n".join(f"seed {s}: {e}" for s, e in zip(seeds, expected, strict=True)),
        }
        if bodies[0] == bodies[1] == bodies[2]:
            return wrong(
                "fixed-value",
                "Your app says the same for three different seeds.",
                "Where does the seed of the request go in?",
                **details,
            )
        return wrong(
            "another-checksum",
            "The checksum is not the one that the given function computes.",
            "Is the function still the one that was given, with all of its steps?",
            **details,
        )

    paths = [f"/checksum?seed={seed}" for seed in seeds]

    def look_at_loop(seen: Seen, details: dict[str, str]) -> Verdict | None:
        return _blocked(seen, sum(seen.seconds) / 2, details)

    return _judge(function, paths, look, look_at_loop)


def checksum(seed: int, steps: int = STEPS) -> int:
    """What the given function computes, without its loop: x -> a*x + c, doubled up to `steps`."""
    modulus, a, c = 2**31, 1103515245, 12345
    value, bits = seed, steps
    while bits:
        if bits & 1:
            value = (a * value + c) % modulus
        a, c, bits = a * a % modulus, (a * c + c) % modulus, bits >> 1
    return value


def _judge(
    function: Any,
    paths: list[str],
    look: Callable[[Seen, dict[str, str]], Verdict | None],
    look_at_loop: Callable[[Seen, dict[str, str]], Verdict | None],
    env: dict[str, str] | None = None,
) -> Verdict:
    """Serve the cell, ask, and look: does it answer, is that right, is the loop free?"""
    source = source_of(inspect.unwrap(function)) if callable(function) else ""
    if not source:
        return wrong(
            "not-a-function",
            f"The answer is of type {type(function).__name__}, and not the handler of a cell.",
            "Did you call the handler, instead of handing it over?",
            expected="the handler itself, without parentheses behind it",
        )
    for _ in range(LOOKS):
        seen = serve_and_ask(source, paths, env)
        verdict = _verdict(seen, paths, look, look_at_loop)
        # One after the other, the last is ready three times half a second after the first.
        if verdict.misconception != "one-at-a-time" or seen.spread > 2 * SECONDS:
            break
    return verdict


def _verdict(
    seen: Seen,
    paths: list[str],
    look: Callable[[Seen, dict[str, str]], Verdict | None],
    look_at_loop: Callable[[Seen, dict[str, str]], Verdict | None],
) -> Verdict:
    path = paths[0].partition("?")[0]
    details = {"ran": f"{len(paths)} requests to {path} at once, with /health beside them"}
    if not seen.started:
        return did_not_start(seen)
    for reply in seen.replies:
        if reply.status is None:
            return no_reply(reply.error, details)
        if reply.status != 200:
            return bad_status(seen, reply.status, path, details)
    if not seen.watched:
        return could_not_check("the server did not answer any more; run the cell again")
    details["came_back"] = (
        f"{len(seen.replies)} replies, the slowest in {max(seen.seconds):.2f} s; "
        f"the slowest /health in {max(seen.health, default=0.0):.2f} s"
    )
    details["expected"] = "the right answers, and /health answered while they are under way"
    verdict = look(seen, details) or look_at_loop(seen, details)
    if verdict is not None:
        return verdict
    return right(
        "the same answers, and the loop is free while they are under way.",
        details["ran"],
        details["came_back"],
    )


def _too_early(seen: Seen, details: dict[str, str]) -> Verdict:
    details = {**details, "expected": f"replies after {SECONDS} s, when the work is done"}
    if "was never awaited" in seen.log:
        return not_awaited(details)
    if seen.watched["left"] or seen.watched["held"] > SECONDS:
        return before_it_was_done(details)
    return wrong(
        "work-removed",
        "Your app answers too early: half a second of work is missing.",
        "The client wants its report when it is ready. Where does your handler wait for it?",
        **details,
    )


def _blocked(seen: Seen, work: float, details: dict[str, str]) -> Verdict | None:
    """Wrong if the loop was held for too much of the `work`, the seconds of all of it."""
    held, joined = seen.watched["held"], seen.watched["joined"]
    if held <= HELD * work and seen.watched["longest"] < patience(2 * SECONDS):
        return None
    if joined > held / 2:
        return wrong(
            "joined-on-the-loop",
            "The work is done elsewhere, and your handler stops the loop until it is finished.",
            "Which line waits for the other thread or process, and can it be awaited instead?",
            **details,
        )
    return wrong(
        "still-blocks",
        "The loop stands still while your handler is under way.",
        "On which thread does the slow line run? What else should that thread do meanwhile?",
        **details,
    )


def _one_at_a_time(details: dict[str, str]) -> Verdict:
    return wrong(
        "one-at-a-time",
        "The loop is free, but the requests wait for one another.",
        "What do the requests share, that only one of them can have at a time?",
        **details,
    )


def _not_a_ticket(
    seen: Seen, body: Any, service: TicketService, details: dict[str, str]
) -> Verdict | None:
    expected = '{"ticket": "..."}, as the service has given it'
    if isinstance(body, str) and any(f'"{ticket}"' in body for ticket in service.tickets):
        return wrong(
            "text-not-json",
            "Your app hands the service's answer on as a text.",
            "What does json.load make of it, and what does your client method give back?",
            **{**details, "came_back": json.dumps(body), "expected": expected},
        )
    if not (isinstance(body, dict) and set(body) == {"ticket"}):
        return another_answer(seen, body, details, expected)
    if body["ticket"] not in service.tickets:
        return wrong(
            "made-up-answer",
            "The service has never given this ticket.",
            "Where does the value come from that your handler returns?",
            **{**details, "came_back": json.dumps(body)[:300], "expected": expected},
        )
    return None
