"""Exercise 05, task 2: what the reader's client returns."""

from collections import Counter
from typing import Any

from workerlab.checks.ex05_who_gets_the_request.eight_seen import Seen
from workerlab.checks.runner import Result
from workerlab.checks.verdicts import Verdict, wrong


def judge_value(result: Result, seen: Seen, details: dict[str, str]) -> Verdict | None:
    """The verdict on what is not the list of the replies; None if it is."""
    value = result.value[0] if result.kind == "returned" else result.value
    details = {**details, "came_back": f"{details['came_back']}\n{value!r}"[:600]}
    if value is None:
        return wrong(
            "nothing-returned",
            "The requests were right, and your function returns nothing.",
            "Which line hands the replies back?",
            **details,
        )
    if result.kind == "not json" or not isinstance(value, list):
        return wrong(
            "not-the-replies",
            "The requests were right, and what came back is no list of replies.",
            "What is the reply to a request: an object of the client, or the JSON in it?",
            **details,
        )
    told = Counter(_pid(reply) for reply in value)
    if told == Counter(work.pid for work in seen.works):
        return None
    return wrong(
        "other-replies",
        "The requests were right, and these are not the replies to all of them.",
        "Does every request leave its own reply in the list, and is the worker's pid in it?",
        **details,
    )


def _pid(reply: Any) -> Any:
    pid = reply.get("worker") if isinstance(reply, dict) else reply
    return pid if isinstance(pid, int) else None
