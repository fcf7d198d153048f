"""Statements to be called true or false, each tried by an experiment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workerlab.checks.verdicts import Refused, Verdict, right, too_busy, wrong


@dataclass(frozen=True)
class Trial:
    """Whether an experiment bears a statement out (None: it cannot tell), what it was, and what it
    showed."""

    holds: bool | None
    ran: str
    came_back: str


@dataclass(frozen=True)
class Misconception:
    """Who gets a statement wrong: an id, what the experiment showed, a question."""

    name: str
    sentence: str
    question: str


def refuse_form(answers: Any, letters: Mapping[str, Misconception]) -> None:
    """Raise Refused where the answers are not True or False for each of the letters."""
    names = ", ".join(f'"{letter}"' for letter in letters)
    expected = f"a dict with {names}, each True or False"
    if not isinstance(answers, dict):
        raise Refused(
            wrong(
                "not-a-dict",
                f"The answer is of type {type(answers).__name__}, not a dict.",
                "What did the cell look like before you changed it?",
                expected=expected,
            )
        )
    if set(answers) != set(letters):
        raise Refused(
            wrong(
                "not-these-statements",
                f"The answer is for {', '.join(map(str, answers)) or 'nothing'}.",
                "Which statements does the task have, and what are their letters?",
                expected=expected,
            )
        )
    if not all(is_truth_value(value) for value in answers.values()):
        raise Refused(
            wrong(
                "not-true-or-false",
                "One of the answers is neither True nor False.",
                "What is the difference between True and a string in quotation marks?",
                came_back=repr(answers)[:300],
                expected=expected,
            )
        )


def is_truth_value(value: Any) -> bool:
    """Whether it is True or False, or NumPy's own of them."""
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")


def judge_statements(
    answers: Mapping[str, Any],
    trials: Mapping[str, Trial],
    misconceptions: Mapping[str, Misconception],
) -> Verdict:
    """Compare each answer with its trial, in the order of the letters."""
    for letter, trial in trials.items():
        if trial.holds is None:
            return too_busy(f"the experiment on statement {letter} was not conclusive")
        if bool(answers[letter]) != trial.holds:
            mistake = misconceptions[letter]
            return wrong(
                mistake.name,
                f"Statement {letter}: {mistake.sentence}",
                mistake.question,
                ran=trial.ran,
                came_back=trial.came_back,
                expected=f'"{letter}": {trial.holds}',
            )
    return right(
        f"all {len(trials)} match the experiments.",
        "an experiment for each statement",
        "; ".join(f"{letter}: {trial.came_back}" for letter, trial in trials.items()),
    )
