"""Judging an app whose handler must leave the event loop free: what the three tasks share."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from workerlab.checks.answer import source_of
from workerlab.checks.app import Seen, not_awaited, refuse_no_reply, serve_and_ask
from workerlab.checks.function import nothing_returned, refuse_no_function
from workerlab.checks.verdicts import Refused, Verdict, right, too_busy, wrong

HELD = 0.5  # of the looks at the loop; where the cell holds it in more of them, it is blocked
SHORT = 1 / 6  # of the slowest reply: half of what one of three requests takes


def ask(
    function: Any,
    paths: Sequence[str],
    expected: str,
    env: Mapping[str, str] | None = None,
    *,
    again: bool = False,
) -> tuple[Seen, dict[str, str]]:
    """Serve the handler's cell, send these requests at once, and return what came back.

    The dict holds what a verdict reports of it; `expected` is for people. With `again`, the first
    request is sent once more afterwards. Raises Refused where a request gets no reply.
    """
    refuse_no_function(function)
    ran = f"{len(paths)} requests to {paths[0].partition('?')[0]} at once, with /health beside them"
    ran += ", and one more afterwards" if again else ""
    seen = serve_and_ask(source_of(function), paths, env, again=again)
    refuse_no_reply(seen.replies, seen.log, ran=ran)
    if not seen.watched:
        raise Refused(too_busy("after its replies, the server did not answer in time"))
    came_back = (
        f"the slowest /health took {max(seen.health):.2f} s, "
        f"the slowest of the {len(seen.replies)} replies {seen.slowest:.2f} s"
    )
    return seen, {"ran": ran, "came_back": came_back, "expected": expected}


def loop_is_free(details: dict[str, str]) -> Verdict:
    """The verdict on a right answer."""
    sentence = "the replies are the same as before, and the event loop is free."
    return right(sentence, details["ran"], details["came_back"])


def refuse_body(seen: Seen, body: Any, expected: Any, details: dict[str, str]) -> None:
    """Raise Refused because this body of a reply is not the one expected."""
    shown = {"came_back": json.dumps(body)[:300], "expected": json.dumps(expected)}
    if "was never awaited" in seen.log:
        raise Refused(not_awaited(**details | shown))
    if body is None:
        raise Refused(nothing_returned(**details | shown))
    if seen.watched["left"]:
        refuse_unfinished(**details | shown)
    raise Refused(
        wrong(
            "answer-changed",
            "Your app's reply is no longer the original one.",
            "Could a client of the original app tell the difference?",
            **details | shown,
        )
    )


def refuse_unfinished(**details: str) -> None:
    """Raise Refused because the replies came before the work was done."""
    raise Refused(
        wrong(
            "answered-before-done",
            "Your handler starts the work and replies before it is done.",
            "How can a handler leave the loop free and still reply only when the work is done?",
            **details,
        )
    )


def refuse_blocked(seen: Seen, details: dict[str, str], most: float = math.inf) -> None:
    """Raise Refused where the cell's code has kept the loop from moving on.

    That is in most looks at it or, where it computes, for more than `most` seconds of CPU time.
    """
    held, joined = seen.watched["held"], seen.watched["joined"]
    # A busy machine has short computations look long, but not in comparison with the replies.
    is_short = seen.watched["cpu"] > most and seen.watched["longest"] <= SHORT * seen.slowest
    is_held = held > HELD * seen.watched["looks"] and not is_short
    if not is_held and seen.watched["computed"] <= most:
        return
    if joined > held / 2:
        raise Refused(
            wrong(
                "joined-on-the-loop",
                "The work is done elsewhere, but your handler blocks the loop until it ends.",
                "Which line waits for the other thread or process, and can it be awaited instead?",
                **details,
            )
        )
    raise Refused(
        wrong(
            "still-blocks",
            "The event loop is blocked while your handler runs.",
            "Which thread does the slow line run on? What else should that thread be doing?",
            **details,
        )
    )


def one_at_a_time(details: dict[str, str]) -> Verdict:
    """The verdict on an app whose loop is free, and whose requests do not run side by side."""
    return wrong(
        "one-at-a-time",
        "The loop is free, but the requests wait for one another.",
        "What do the requests share that only some of them can use at the same time?",
        **details,
    )
