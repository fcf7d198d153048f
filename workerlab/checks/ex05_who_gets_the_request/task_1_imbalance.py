"""Exercise 05, task 1: what share each worker had, and what the imbalance cost."""

import math
import random
from typing import Any

from workerlab.checks.calling import did_not_return, no_function, no_pair
from workerlab.checks.ex05_who_gets_the_request.imbalance_mistakes import (
    LOSSES,
    SHARES,
    Case,
    Mistakes,
    lost,
    shares,
)
from workerlab.checks.exercise import name_of
from workerlab.checks.fresh_process import call_each
from workerlab.checks.runner import QUICK
from workerlab.checks.verdicts import Verdict, right, wrong

CLOSE = 1e-6  # seconds, and of a share
ROUNDED = 0.051


def judge_imbalance(function: Any) -> Verdict:
    """Call the function on made-up runs and hold its answers against the true ones."""
    if verdict := no_function(function):
        return verdict
    cases = made_up_runs()
    result = call_each(function, [[case.records, case.workers] for case in cases], limit=QUICK)
    ran = f"{name_of(function)}(records, workers), for {len(cases)} made-up runs"
    if result.kind not in ("returned", "not json"):
        return did_not_return(result, ran)
    verdict = _shape(
        result.kind, result.value, {"ran": ran, "came_back": f"{result.value!r}"[:300]}
    )
    if verdict is not None:
        return verdict
    got_shares = [_by_pid(answer[0]) for answer in result.value]
    got_losses = [answer[1] for answer in result.value]
    meant_shares, meant_losses = [shares(c) for c in cases], [lost(c) for c in cases]
    if _same(got_shares, meant_shares, CLOSE) and _same(got_losses, meant_losses, CLOSE):
        return right(f"your function gives shares and seconds of all {len(cases)} runs.", ran)
    details = {"ran": ran}
    if all(_same(answer, result.value[0], CLOSE) for answer in result.value):
        return wrong(
            "fixed-answer",
            "Your function says the same of different runs.",
            "Does the answer come from the arguments, or from the list in the cell above?",
            came_back=_told(result.value[0]),
            **details,
        )
    for got, meant, mistakes, otherwise in (
        (got_shares, meant_shares, SHARES, "other-shares"),
        (got_losses, meant_losses, LOSSES, "other-seconds"),
    ):
        verdict = _compare(got, meant, cases, mistakes, otherwise, ran)
        if verdict is not None:
            return verdict
    raise AssertionError("neither right nor wrong")


def made_up_runs() -> list[Case]:
    """Runs in which each worker has one handler at a time; the numbers are new every time."""
    return [
        _run([[0.5, 0.5, 0.5], [0.5, 0.5], [0.5]], idle=0),
        _run([[0.5] * 5, [0.5, 0.5]], idle=2),
        _run([[0.4, 0.6, 0.5]], idle=0),
        _run([[2.0, 0.3], [0.2, 0.4, 0.1, 0.3], [0.9]], idle=1),
        _run([[1.2], [0.3, 0.2, 0.4]], idle=0, late=1.7),
    ]


def _run(seconds: list[list[float]], idle: int, late: float = 0.0) -> Case:
    """Handlers which take about so many seconds, a list for each worker, and `idle` workers more.

    The last of the workers begins `late` seconds after the others. The records come in any order.
    """
    pids = random.sample(range(2000, 30000), len(seconds) + idle)
    start, records = random.uniform(5, 5000), []
    for pid, handlers in zip(pids, seconds, strict=False):
        now = start + random.uniform(0.01, 0.1)
        now += late if handlers is seconds[-1] else 0.0
        for length in handlers:
            ended = now + length * random.uniform(0.9, 1.1)
            records.append({"worker": pid, "began": now, "ended": ended})
            now = ended + random.uniform(0.001, 0.01)
    random.shuffle(records)
    random.shuffle(pids)
    return Case(records, pids)


def _shape(kind: str, answers: Any, details: dict[str, str]) -> Verdict | None:
    """The verdict on answers which are not all a dict of numbers and a number."""
    if kind == "not json":
        return wrong(
            "objects",
            "Your function returns objects, and not a dict and a number.",
            "What is the type of each of the two that you return?",
            **details,
        )
    for answer in answers:
        if (
            verdict := no_pair(
                answer, "shares and seconds", "shares, lost = imbalance(records, workers)", details
            )
        ) is not None:
            return verdict
        first, second = answer
        if _is_number(first) and isinstance(second, dict):
            return wrong(
                "the-other-way-round",
                "The seconds stand first, and the shares behind them.",
                "In which order does the task ask for them?",
                **details,
            )
        if isinstance(first, list):
            return wrong(
                "whose-share-is-it",
                "The shares are a list, and it does not say whose they are.",
                "Which type holds a value for each pid?",
                **details,
            )
        if not isinstance(first, dict) or not all(map(_is_number, [second, *first.values()])):
            return wrong(
                "not-numbers",
                "The shares are to be a dict of numbers by pid, and the seconds one number.",
                "What is the type of each of the two that you return?",
                **details,
            )
    return None


def _compare(
    got: list[Any],
    meant: list[Any],
    cases: list[Case],
    mistakes: Mistakes,
    otherwise: str,
    ran: str,
) -> Verdict | None:
    """None if `got` is what is meant; else the mistake which makes it of these runs."""
    if _same(got, meant, CLOSE):
        return None
    refused = next(i for i in range(len(cases)) if not _same(got[i], meant[i], CLOSE))
    # Rounding must not hide a mistake which shows in another run more clearly.
    worst = max(range(len(cases)), key=lambda i: _distance(got[i], meant[i]))
    refused = worst if _distance(got[worst], meant[worst]) > ROUNDED else refused
    details = {
        "ran": f"{ran}; one of them:\n{cases[refused]}",
        "came_back": _told(got[refused]),
        "expected": _told(meant[refused]),
    }
    for misconception, (mistake, sentence, question) in mistakes.items():
        if _same(got, [mistake(case) for case in cases], CLOSE):
            return wrong(misconception, sentence, question, **details)
    if _same(got, meant, ROUNDED):
        return wrong(
            "rounded",
            "The answers are right but for their last digits.",
            "Who needs the rounded number: the caller, or somebody who reads a printed one?",
            **details,
        )
    return wrong(
        otherwise,
        "This is not what the records say.",
        "What does your function make of the two workers of the example?",
        **details,
    )


def _same(got: Any, meant: Any, tolerance: float) -> bool:
    if isinstance(meant, list):
        return len(got) == len(meant) and all(
            _same(one, other, tolerance) for one, other in zip(got, meant, strict=True)
        )
    return _distance(got, meant) <= tolerance


def _distance(got: Any, meant: Any) -> float:
    """The largest difference between two numbers, or two dicts of them."""
    if not isinstance(meant, dict):
        return abs(got - meant) if math.isfinite(got) else math.inf
    if not isinstance(got, dict) or set(got) != set(meant):
        return math.inf
    return max(_distance(got[pid], meant[pid]) for pid in meant)


def _by_pid(by_pid: dict[str, float]) -> dict[str, float]:
    return {str(pid): share for pid, share in by_pid.items()}


def _told(answer: Any) -> str:
    if isinstance(answer, dict):
        return ", ".join(f"{pid}: {share:.3f}" for pid, share in sorted(answer.items()))
    if isinstance(answer, list):
        return " and ".join(map(_told, answer))
    return f"{answer:.3f} s"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
