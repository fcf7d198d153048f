"""Task 2: a function that returns the pid of the process that answers."""

from dataclasses import replace
from typing import Any

from workerlab.checks.answer import name_of
from workerlab.checks.command import launched
from workerlab.checks.function import nothing_returned, refuse_no_function, returned_by
from workerlab.checks.verdicts import Refused, Verdict, right, wrong

HINTS = [
    "Who knows the pid of the process that answers: your notebook, or the process itself?",
    "Send a GET to the url and look at the reply. Which of its fields is the pid?",
    'Send a GET to the url, read the reply as JSON, and return the value of "worker_pid".',
]
COMMAND = "uvicorn app.main:app --port {port}"


def check(function: Any) -> Verdict:
    """Call the function for two servers; it must return the pid of each."""
    refuse_no_function(function)
    ran = f"{name_of(function)}(url), for two servers"
    with launched(COMMAND) as first, launched(COMMAND, "check 2") as second:
        try:
            result = returned_by(function, [[first.url], [second.url]], ran)
        except Refused as refused:
            return _name_a_missing_key(refused.verdict)
        pids = [first.pid, second.pid]
    values = result.value
    returned = " and ".join(repr(value)[:200] for value in values)
    servers = " and ".join(map(str, pids))
    details = {"ran": ran, "came_back": f"{returned}, from the servers {servers}"}
    if values == pids:
        return right("your function returns the pid of the process that answers.", **details)
    details["expected"] = "the pid of each server, a whole number"
    if values[0] is None:
        return nothing_returned(**details)
    if values == [str(pid) for pid in pids]:
        return wrong(
            "text-not-number",
            "The number is right, but it is a string.",
            "What does int() do?",
            **details,
        )
    is_text_with_more = isinstance(values[0], str) and str(pids[0]) in values[0]
    if result.kind == "not json" or isinstance(values[0], dict | list) or is_text_with_more:
        return wrong(
            "whole-reply",
            "Your function returns more than the pid.",
            "Which field of the reply is the pid?",
            **details,
        )
    if values[0] == result.pid:
        return wrong(
            "own-process",
            "This is the pid of the process that asks, not of the one that answers.",
            "In which process does os.getpid() run when you call it here?",
            **details,
        )
    if values[0] == values[1]:
        return wrong(
            "fixed-value",
            "Your function returns the same value for two different servers.",
            "Does the value come from the reply?",
            **details,
        )
    return wrong(
        "another-number",
        "This is not the pid of the server.",
        "Where does this number come from: the reply, or something else?",
        **details,
    )


def _name_a_missing_key(verdict: Verdict) -> Verdict:
    """The same verdict, with a question of its own where the function looked up a wrong name."""
    if verdict.misconception != "raises" or "\nKeyError" not in verdict.came_back:
        return verdict
    return replace(
        verdict,
        misconception="no-such-field",
        sentence="Your function looks up a key that isn't there.",
        question="Print the whole reply: what is the field with the pid called?",
    )
