"""Exercise 07, task 1: how many workers a function recommends."""

import json
import numbers
import os
from typing import Any

from workerlab.checks.calling import did_not_return, no_function
from workerlab.checks.ex07_how_many_workers.cases import (
    AMPLE,
    FRACTIONS,
    REFUSED,
    SEEN_CORES,
    TIGHT,
    Case,
    meant,
    random_cases,
)
from workerlab.checks.ex07_how_many_workers.recommended_errors import (
    Outcome,
    call_of,
    errors_for_bad,
    raised_for_good,
)
from workerlab.checks.ex07_how_many_workers.recommended_mistakes import Mistake, mistakes_of
from workerlab.checks.exercise import name_of, source_of
from workerlab.checks.runner import CALLED, QUICK, as_python, call_alone
from workerlab.checks.verdicts import Verdict, right, wrong

_AFTER_THE_CELL = """

def {called}(*calls):
    from workerlab.checks.ex07_how_many_workers import task_1_recommend_workers as check
    check.show_other_cores()
    return [check.outcome({name}, call) for call in calls]
"""


def show_other_cores() -> None:
    """Let Python see a number of cores which tells whoever asks it from the others."""
    os.cpu_count = os.process_cpu_count = lambda: SEEN_CORES
    os.sched_getaffinity = lambda pid: set(range(SEEN_CORES))


def outcome(function: Any, arguments: list[float]) -> Outcome:
    """What became of one call: a value with the name of its type, or an exception."""
    try:
        value = function(*arguments)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        return {"raised": message, "is_value_error": isinstance(error, ValueError)}
    if isinstance(value, numbers.Real) and hasattr(value, "item"):
        value = as_python(value)
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        value = repr(value)[:100]
        return {"value": value, "type": "object"}
    return {"value": value, "type": type(value).__name__}


def judge_recommendation(function: Any) -> Verdict:
    """Call the function with chosen and with random numbers, good ones and bad ones."""
    if verdict := no_function(function):
        return verdict
    groups = [AMPLE, FRACTIONS, TIGHT, random_cases(), [case for case, _ in REFUSED]]
    calls = [list(case) for group in groups for case in group]
    name = name_of(function)
    source = source_of(function) + _AFTER_THE_CELL.format(called=CALLED, name=name)
    result = call_alone(source, CALLED, calls, limit=QUICK)
    if result.kind != "returned":
        return did_not_return(result, f"{name}(...)")
    outcomes = iter(result.value)
    seen = [[(case, next(outcomes)) for case in group] for group in groups]
    *good, bad = seen
    for group in good:
        verdict = raised_for_good(name, group) or _no_number(name, group)
        if verdict is not None:
            return verdict
    values = {case: found["value"] for group in good for case, found in group}
    for group in good:
        verdict = _numbers(name, group, values) or _no_int(name, group)
        if verdict is not None:
            return verdict
    verdict = errors_for_bad(name, bad)
    return verdict or right(
        "your function names the right number, or the number that is wrong.",
        f"{name}(cores, computing, worker_mb, memory_mb), {len(calls)} times",
    )


def _no_number(name: str, group: list[tuple[Case, Outcome]]) -> Verdict | None:
    for case, found in group:
        details = {
            "ran": call_of(name, case),
            "came_back": repr(found["value"]),
            "expected": str(meant(*case)),
        }
        if found["value"] is None:
            return wrong(
                "nothing-returned",
                "Your function returns nothing.",
                "Which line hands the number back, and is it reached?",
                **details,
            )
        if found["type"] == "str":
            return wrong(
                "text-not-number",
                "Your function returns a text.",
                "What does int() do?",
                **details,
            )
        if found["type"] not in ("int", "float"):
            return wrong(
                "another-type",
                "Your function does not return one number.",
                "What does a configuration file want after `workers =`?",
                **details,
            )
    return None


def _numbers(
    name: str, group: list[tuple[Case, Outcome]], values: dict[Case, Any]
) -> Verdict | None:
    """The verdict on other numbers than those meant."""
    differing = [case for case, found in group if found["value"] != meant(*case)]
    if not differing:
        return None
    case = differing[0]
    details = {
        "ran": call_of(name, case),
        "came_back": str(values[case]),
        "expected": str(meant(*case)),
    }
    for misconception, sentence, question, cases, formulas in mistakes_of(group[0][0]):
        if any(all(_gives(f, case, values[case]) for case in cases) for f in formulas):
            return wrong(misconception, sentence, question, **details)
    over = [case for case in differing if values[case] * case[2] > case[3]]
    if over:
        details["ran"], details["came_back"] = call_of(name, over[0]), str(values[over[0]])
        details["expected"] = str(meant(*over[0]))
        return wrong(
            "over-the-memory",
            "The workers that your function recommends need more memory than there is.",
            "How many times does worker_mb fit into memory_mb?",
            **details,
        )
    return wrong(
        "another-number",
        "This is another number of workers.",
        "Work this call out by hand: how many keep the cores computing, and how many fit?",
        **details,
    )


def _gives(formula: Mistake, case: Case, value: Any) -> bool:
    return formula(*case) == value


def _no_int(name: str, group: list[tuple[Case, Outcome]]) -> Verdict | None:
    for case, found in group:
        if found["type"] == "float":
            return wrong(
                "returns-a-float",
                "The number is right, and its type is float.",
                "Can there be half a worker? What makes a whole number of it?",
                ran=call_of(name, case),
                came_back=repr(found["value"]),
                expected=repr(meant(*case)),
            )
    return None
