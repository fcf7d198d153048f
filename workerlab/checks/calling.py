"""What is said of an answer that should be a function and is none, or did not return."""

import json
from typing import Any
from urllib.request import ProxyHandler, build_opener

from workerlab.checks.exercise import name_of, source_of
from workerlab.checks.patience import patience
from workerlab.checks.runner import Result
from workerlab.checks.verdicts import Verdict, wrong


def no_function(answer: Any) -> Verdict | None:
    """The verdict on an answer which is no function of a cell; None if it is one."""
    if not callable(answer):
        return wrong(
            "not-a-function",
            f"The answer is of type {type(answer).__name__} and not a function.",
            "Did you call the function, instead of handing it over?",
            expected="the function itself, without parentheses behind it",
        )
    if not source_of(answer) or not name_of(answer).isidentifier():
        return wrong(
            "not-written-here",
            f"The answer is of type {type(answer).__name__}, and your cell does not define it.",
            "What would it look like as a def in this cell?",
            expected="a function that your cell defines",
        )
    return None


def did_not_return(result: Result, call: str) -> Verdict:
    """The verdict on a call which ended otherwise than by returning."""
    if result.kind == "too long":
        return wrong(
            "never-ends",
            f"Your function did not come back within {result.value:.2g} seconds; it was ended.",
            "Which line can wait for ever?",
            ran=call,
        )
    if result.kind == "exited":
        return wrong(
            "ends-the-process",
            f"The process that ran your function ended, with exit code {result.value}.",
            "Which line ends the whole program?",
            ran=call,
            came_back=result.output[-300:],
        )
    if "NameError" in result.error.partition(":")[0] or "NameError: " in result.output:
        return wrong(
            "needs-another-cell",
            f"Your cell does not work alone: {result.error}",
            "Is everything that the function uses imported in its own cell?",
            ran=call,
        )
    return wrong(
        "raises",
        f"Your function raised {result.error}",
        "Which line does the error come from?",
        ran=call,
        came_back=result.output[-500:],
    )


def returned_nothing(details: dict[str, str]) -> Verdict:
    """The verdict on a function which has no return statement, or does not reach it."""
    return wrong(
        "nothing-returned",
        "Your function returns nothing.",
        "Which line hands the value back?",
        **details,
    )


def is_blocking_client(source: str) -> bool:
    """Whether requests that a cell starts together are held up by a client which blocks."""
    together = ("gather", "create_task", "TaskGroup")
    blocking = ("urlopen", "urllib", "requests.", "http.client", "httpx.get", "httpx.Client")
    return any(word in source for word in together) and any(word in source for word in blocking)


def no_pair(answer: Any, pair: str, unpacking: str, details: dict[str, str]) -> Verdict | None:
    """The verdict on a returned value which is not two things; `pair` names them."""
    if answer is None:
        return returned_nothing(details)
    if isinstance(answer, list) and len(answer) == 2:
        return None
    return wrong(
        "not-both",
        f"This is not a pair of {pair}.",
        f"What would `{unpacking}` make of it?",
        **details,
    )


def ask(url: str) -> dict[str, Any]:
    """The JSON reply to one GET of a server on this machine."""
    with build_opener(ProxyHandler({})).open(url, timeout=patience(5)) as response:
        return json.load(response)
