"""What is said of the exceptions of a function that recommends a number of workers."""

from typing import Any

from workerlab.checks.calling import did_not_return
from workerlab.checks.ex07_how_many_workers.cases import REFUSED, Case, meant
from workerlab.checks.runner import Result
from workerlab.checks.verdicts import Verdict, wrong

Outcome = dict[str, Any]


def call_of(name: str, case: Case) -> str:
    return f"{name}({', '.join(f'{number:g}' for number in case)})"


def raised_for_good(name: str, group: list[tuple[Case, Outcome]]) -> Verdict | None:
    """The verdict on exceptions where the numbers are good."""
    raised = [(case, found) for case, found in group if "raised" in found]
    if not raised:
        return None
    case, found = raised[0]
    if not found["is_value_error"]:
        return did_not_return(Result("raised", error=found["raised"]), call_of(name, case))
    refused = [case for case, _ in raised]
    passed = [case for case, found in group if "value" in found]
    details = {
        "ran": call_of(name, case),
        "came_back": found["raised"],
        "expected": str(meant(*case)),
    }
    reasons = {
        "refuses-computing-of-one": lambda cores, computing, *memory: computing == 1,
        "refuses-less-than-a-core": lambda cores, *others: cores < 1,
        "refuses-an-exact-fit": lambda cores, computing, worker, memory: worker == memory,
    }
    for misconception, reason in reasons.items():
        if all(reason(*case) for case in refused) and not any(reason(*case) for case in passed):
            return wrong(
                misconception,
                "Your function refuses numbers which are good.",
                "Where exactly is the border, and on which side of it is the border itself?",
                **details,
            )
    return wrong(
        "refuses-good-numbers",
        "Your function refuses numbers which are good.",
        "Which of your conditions is true for this call?",
        **details,
    )


def errors_for_bad(name: str, group: list[tuple[Case, Outcome]]) -> Verdict | None:
    """The verdict on what is done with numbers that are wrong."""
    words = dict(REFUSED)
    for case, found in group:
        details = {
            "ran": call_of(name, case),
            "came_back": found.get("raised", repr(found.get("value"))),
            "expected": f"a ValueError whose text has the word {words[case]}",
        }
        if "raised" not in found:
            if isinstance(found["value"], int | float):
                return wrong(
                    "clamps-instead-of-raising",
                    f"Your function recommends something, though {words[case]} cannot be right.",
                    "Who would notice the mistake: the one who made it, or nobody?",
                    **details,
                )
            return wrong(
                "returns-the-error",
                "Your function returns where it should raise.",
                "What does the caller do with such a value? Which statement raises an exception?",
                **details,
            )
        if found["raised"].startswith("ZeroDivisionError"):
            return wrong(
                "leaves-it-to-python",
                "Python's own error comes from the middle of your formula.",
                "Does it say which of the four numbers was wrong? Where would you look at them?",
                **details,
            )
        if not found["is_value_error"]:
            return wrong(
                "another-exception",
                "Your function raises another exception than asked for.",
                "Which exception means: the type is right and the value is not?",
                **details,
            )
    texts = [found["raised"].lower() for _, found in group]
    vague = [
        (case, text)
        for (case, _), text in zip(group, texts, strict=True)
        if words[case] not in text or all(word in text for word in words.values())
    ]
    if vague:
        case, text = vague[0]
        return wrong(
            "does-not-say-which",
            "The ValueError does not say which number is wrong.",
            "What would you want to read, if this came up while a server starts?",
            ran=call_of(name, case),
            came_back=text,
            expected=f"the word {words[case]} in the text, and only for this mistake",
        )
    return None
