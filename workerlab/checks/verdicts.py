"""The verdict of a check on an answer."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["not attempted", "wrong", "right", "could not check"]

NOT_ATTEMPTED = "○ not attempted"
WRONG = "✘ wrong"
RIGHT = "✔ right"
COULD_NOT_CHECK = "? could not check"
_HEADS: dict[Outcome, str] = {
    "not attempted": NOT_ATTEMPTED,
    "wrong": WRONG,
    "right": RIGHT,
    "could not check": COULD_NOT_CHECK,
}


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check, and what it rests on.

    `sentence` says it in one sentence; `ran`, `came_back` and `expected` what was done, what was
    seen and what should have been. `misconception` is the id of a known one, as `several-workers`,
    and `question` leads on from it.
    """

    outcome: Outcome
    sentence: str
    ran: str = ""
    came_back: str = ""
    expected: str = ""
    misconception: str = ""
    question: str = ""

    def __str__(self) -> str:
        lines = [f"{_HEADS[self.outcome]}: {self.sentence}"]
        details = {"ran": self.ran, "measured": self.came_back, "expected": self.expected}
        for name, text in details.items():
            if text:
                first, *more = text.splitlines()
                lines.append(f"  {name}: {first}")
                lines += [f"      {line}" for line in more]
        if self.question:
            lines.append(f"  Ask yourself: {self.question}")
        return "\n".join(lines)


class Refused(Exception):
    """Ends a check with this verdict, from wherever it is raised."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.sentence)
        self.verdict = verdict


def right(sentence: str, ran: str = "", came_back: str = "") -> Verdict:
    """The answer does what the task asks for."""
    return Verdict("right", sentence, ran, came_back)


def wrong(
    misconception: str,
    sentence: str,
    question: str,
    *,
    ran: str = "",
    came_back: str = "",
    expected: str = "",
) -> Verdict:
    """The answer does something else; `misconception` names what is likely behind it."""
    return Verdict("wrong", sentence, ran, came_back, expected, misconception, question)


def not_attempted() -> Verdict:
    """The blank is still there."""
    return Verdict("not attempted", "replace the three dots with your answer, and run again")


def could_not_check(why: str) -> Verdict:
    """Neither right nor wrong: the check itself did not come to an end."""
    return Verdict("could not check", why)


def too_busy(what: str) -> Verdict:
    """This machine was too slow to tell right from wrong; `what` says what did not happen."""
    return could_not_check(f"{what}: this machine is too busy to tell; run the cell again")


def asked_anew(exercise: str) -> Verdict:
    """The answer is to a task as it was asked before; `exercise` is its number, as "05"."""
    return could_not_check(
        f"This task has changed; `./learn reset {exercise}` gets the new one and keeps yours."
    )
