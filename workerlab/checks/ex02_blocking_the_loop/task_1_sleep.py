"""Task 1: a handler that sleeps. Four reports at once, each half a second, and the loop is free.

Nobody sees the sleeping itself, so this is judged by time, but only where the loop's own delay
leaves no doubt. If two reports had to wait for others, all four take two rounds of half a second.
"""

from typing import Any

from workerlab.checks.app import Seen, not_awaited
from workerlab.checks.ex02_blocking_the_loop.judging import (
    ask,
    loop_is_free,
    one_at_a_time,
    refuse_blocked,
    refuse_body,
    refuse_unfinished,
)
from workerlab.checks.verdicts import Refused, Verdict, too_busy, wrong

HINTS = [
    "Which code needs the thread that time.sleep keeps waiting?",
    "Lesson 02 shows three cures. Which of them can wait without a thread?",
    "asyncio has its own sleep. When you await it, it gives the thread back.",
]
SECONDS = 0.5  # that a report takes
EARLY = 0.9 * SECONDS
TWO_ROUNDS = 0.95 * 2 * SECONDS
REPORT = {"report": "ready"}
LOOKS = 2  # at most, on a busy machine


def check(answer: Any) -> Verdict:
    """Serve the cell, ask for four reports at once, and judge the replies, then the loop."""
    for _ in range(LOOKS):
        expected = f"four reports after {SECONDS} s, and quick replies from /health throughout"
        seen, details = ask(answer, ["/report"] * 4, expected)
        for reply in seen.replies:
            if reply.reply != REPORT:
                refuse_body(seen, reply.reply, REPORT, details)
        if min(reply.latency for reply in seen.replies) < EARLY:
            _refuse_early(seen, details)
        refuse_blocked(seen, details)
        requests = seen.watched["requests"]
        took = [request["replied"] - request["reached"] for request in requests]
        first, last = min(r["reached"] for r in requests), max(r["replied"] for r in requests)
        if last - first < TWO_ROUNDS:
            return loop_is_free(details)
        # A busy machine delays a handler about as long as the loop.
        delay = SECONDS + 3 * seen.watched["longest"]
        if min(took) > max(TWO_ROUNDS, delay):
            return wrong(
                "too-slow",
                f"A report takes longer than {SECONDS} seconds.",
                "For how many seconds did the handler sleep before you changed it?",
                **details,
            )
        if max(took) > max(TWO_ROUNDS, delay):
            return one_at_a_time(details)
    return too_busy("the reports took longer than they should, and so did everything else")


def _refuse_early(seen: Seen, details: dict[str, str]) -> None:
    if "was never awaited" in seen.log:
        raise Refused(not_awaited(**details))
    if seen.watched["left"]:
        refuse_unfinished(**details)
    raise Refused(
        wrong(
            "work-removed",
            "Your app replies too early: half a second of work is missing.",
            "The client wants its report once it is ready. Where does your handler wait for it?",
            **details,
        )
    )
