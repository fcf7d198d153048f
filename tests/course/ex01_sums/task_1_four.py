"""What is 2 + 2?"""

from typing import Any

from workerlab.checks.verdicts import Verdict, right, wrong

HINTS = ["Is it more than 3?", "Is it less than 5?", "It is 4."]


def check(answer: Any) -> Verdict:
    if answer == 4:
        return right("it is 4.")
    return wrong("not-four", "It is not 4.", "What is 2 + 2?")
