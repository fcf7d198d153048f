"""Judging a reader's function: calling it, and comparing what it returns with what it should."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workerlab.checks.answer import name_of, source_of
from workerlab.checks.runner import QUICK, Result, call_in_subprocess
from workerlab.checks.verdicts import Refused, Verdict, right, wrong

TOLERANCE, ROUNDED = 1e-6, 0.051


@dataclass(frozen=True)
class Mistake:
    """A known wrong way: `of(*arguments)` is what it returns, or raises."""

    of: Callable[..., Any]
    sentence: str
    question: str


@dataclass(frozen=True)
class Part:
    """One of the values that a function returns: how it is computed, and how it often is.

    `of(*arguments)` is the right value, or raises what the function should raise. `fits` says
    whether a value is of the right kind, which `kind` names ("a number of seconds"). `mistakes` are
    known wrong ways, by their ids; `other` is the id of a wrong value with no known cause.
    """

    of: Callable[..., Any]
    fits: Callable[[Any], bool]
    kind: str
    other: str
    mistakes: Mapping[str, Mistake] = field(default_factory=dict)


def is_number(value: Any) -> bool:
    """Whether it is a number, and not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def returned_by(function: Any, calls: Sequence[Sequence[Any]], ran: str, **options: Any) -> Result:
    """What the function returned; `options` are those of `call_in_subprocess`.

    Raises Refused where it is no function of a cell, or a call did not return.
    """
    refuse_no_function(function)
    result = call_in_subprocess(function, calls, **options)
    if result.kind in ("too long", "exited", "raised"):
        raise Refused(did_not_return(result, ran))
    return result


def refuse_no_function(answer: Any) -> None:
    """Raise Refused where the answer is no function that a cell defines."""
    if not callable(answer):
        raise Refused(
            wrong(
                "not-a-function",
                f"The answer is of type {type(answer).__name__}, not a function.",
                "Did you call the function, instead of passing it?",
                expected="the function itself, without parentheses after its name",
            )
        )
    if not source_of(answer) or not name_of(answer).isidentifier():
        raise Refused(
            wrong(
                "not-written-here",
                f"The answer is of type {type(answer).__name__}, and your cell doesn't define it.",
                "What would it look like as a def in this cell?",
                expected="a function that your cell defines",
            )
        )


def did_not_return(result: Result, ran: str) -> Verdict:
    """The verdict on a call that did not end by returning."""
    if result.kind == "too long":
        return wrong(
            "never-ends",
            f"Your function did not return within {result.value:.2g} seconds, so it was stopped.",
            "Which line can wait forever?",
            ran=ran,
        )
    if result.kind == "exited":
        return wrong(
            "ends-the-process",
            f"The process that ran your function ended with exit code {result.value}.",
            "Which line ends the whole program?",
            ran=ran,
            came_back=result.output[-300:],
        )
    details = {"ran": ran, "came_back": f"{result.where}\n{result.error}".strip()[:500]}
    if result.error.startswith("NameError"):
        return wrong(
            "needs-another-cell",
            "Your cell does not work on its own.",
            "Is everything that the function uses imported or defined in its own cell?",
            **details,
        )
    return wrong("raises", "Your function raised an exception.", "What raises it?", **details)


def nothing_returned(**details: str) -> Verdict:
    """The verdict on a function that has no return statement, or does not reach it."""
    return wrong(
        "nothing-returned",
        "Your function returns nothing.",
        "Which line returns the value, and is it reached?",
        **details,
    )


def judge_function(
    function: Any,
    calls: Sequence[Sequence[Any]],
    parts: Sequence[Part],
    *,
    read: Callable[[Any], Any] = lambda answer: answer,
    show: Callable[[Sequence[Any]], str] | None = None,
) -> Verdict:
    """Call the function in a fresh process and compare each part of each value with the right one.

    `read` brings a value, as JSON has it, into the form in which the parts have it; `show` writes
    the arguments of one call for the verdict. A function with one part returns just that.
    """
    name = name_of(function)
    written = show or (lambda call: f"{name}({', '.join(map(repr, call))})")
    result = returned_by(function, calls, f"{name}(...)", limit=QUICK, catch=True)
    expected = [[outcome(part.of, call) for part in parts] for call in calls]
    actual = [read(value) for value in result.value]
    for value, should, call in zip(actual, expected, calls, strict=True):
        details = {"ran": written(call), "came_back": repr(value)[:300]}
        if is_raised(value) and not any(map(is_raised, should)) and "ValueError" not in str(value):
            error = Result("raised", error=value["error"], where=value["where"])
            return did_not_return(error, details["ran"])
        if not is_raised(value):
            refuse_form(value, result.kind, parts, details)
    rows = [
        [value] * len(parts) if len(parts) == 1 or is_raised(value) else value for value in actual
    ]
    if same(rows, expected):
        return right(f"your function is right in all {len(calls)} calls.", f"{name}(...)")
    if len(rows) > 1 and all(same(row, rows[0]) for row in rows):
        return wrong(
            "fixed-answer",
            "Your function returns the same for different calls.",
            "Does the value depend on the arguments?",
            ran=written(calls[0]),
            came_back=repr(actual[0])[:300],
        )
    columns = zip(parts, zip(*rows, strict=True), zip(*expected, strict=True), strict=True)
    part, got, should = next(one for one in columns if not same(list(one[1]), list(one[2])))
    return _judge_part(part, list(got), list(should), calls, written)


def refuse_form(value: Any, kind: str, parts: Sequence[Part], details: dict[str, str]) -> None:
    """Raise Refused where a value is not of the form that the task asks for."""
    if kind == "not json":
        raise Refused(
            wrong(
                "objects",
                "Your function returns objects of a class.",
                "Which plain values does the task ask for?",
                **details,
            )
        )
    if value is None:
        raise Refused(nothing_returned(**details))
    kinds = " and ".join(part.kind for part in parts)
    values = [value] if len(parts) == 1 else value
    if not isinstance(values, list) or len(values) != len(parts):
        raise Refused(
            wrong(
                "not-both",
                f"Your function does not return {kinds}.",
                "How many values does the task ask for, and in which order?",
                **details,
            )
        )
    swapped = [part.fits(one) for part, one in zip(parts, reversed(values), strict=True)]
    for part, one in zip(parts, values, strict=True):
        if part.fits(one):
            continue
        if len(parts) > 1 and all(swapped):
            raise Refused(
                wrong(
                    "the-other-way-round",
                    "You return the right kinds of values in the wrong order.",
                    "In which order does the task ask for them?",
                    **details,
                )
            )
        raise Refused(
            wrong(
                "another-type",
                f"Your function should return {part.kind}.",
                "What is the type of the value that you return?",
                **{**details, "came_back": repr(one)[:300]},
            )
        )


def _judge_part(
    part: Part, got: list, should: list, calls: Sequence[Sequence[Any]], written: Callable
) -> Verdict:
    worst = max(range(len(got)), key=lambda i: distance(got[i], should[i]))
    details = {
        "ran": written(calls[worst]),
        "came_back": _told(got[worst]),
        "expected": _told(should[worst]),
    }
    for name, mistake in part.mistakes.items():
        if same(got, [outcome(mistake.of, call) for call in calls]):
            return wrong(name, mistake.sentence, mistake.question, **details)
    if same(got, should, ROUNDED):
        return wrong(
            "rounded",
            "The value is right, but rounded.",
            "Who needs it rounded: the caller, or whoever prints it?",
            **details,
        )
    return wrong(
        part.other,
        "This is not the value that the task asks for.",
        "Work this call out by hand: where does your function do something different?",
        **details,
    )


def outcome(function: Callable[..., Any], call: Sequence[Any]) -> Any:
    """What the function returns or, as `call_in_subprocess` has it, raises."""
    try:
        return function(*call)
    except Exception as error:
        return {"raised": [type(error).__name__], "text": str(error)}


def is_raised(value: Any) -> bool:
    """Whether this is an exception instead of a value."""
    return isinstance(value, dict) and "raised" in value


def same(actual: Any, expected: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether they differ by less than the tolerance in every number, and in nothing else."""
    return distance(actual, expected) <= tolerance


def distance(actual: Any, expected: Any) -> float:
    """The largest difference between numbers, or lists or dicts of them; else 0 or infinity."""
    if is_raised(expected):
        return 0.0 if is_raised(actual) and expected["raised"][0] in actual["raised"] else math.inf
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or set(actual) != set(expected):
            return math.inf
        return max((distance(actual[key], expected[key]) for key in expected), default=0.0)
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return math.inf
        return max((distance(*pair) for pair in zip(actual, expected, strict=True)), default=0.0)
    if is_number(expected) and is_number(actual):
        return abs(actual - expected) if math.isfinite(actual) else math.inf
    return 0.0 if actual == expected else math.inf


def _told(value: Any) -> str:
    if is_raised(value):
        return f"raises {value['raised'][0]}: {value['text']}".rstrip(": ")
    return repr(value)[:300]
