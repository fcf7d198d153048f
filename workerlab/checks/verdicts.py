"""What a check says of an answer."""

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
        if self.misconception:
            lines.append(f"  Kind of mistake: {self.misconception}")
        if self.question:
            lines.append(f"  Ask yourself: {self.question}")
        return "\n".join(lines)


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
    return Verdict("not attempted", "put your answer in the place of the three dots, and run again")


def could_not_check(why: str) -> Verdict:
    """Neither right nor wrong: the check itself did not come to an end."""
    return Verdict("could not check", why)
