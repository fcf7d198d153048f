"""Checking a sentence of a lesson against the reader's own run."""

import inspect
import math

from workerlab.records import Run

HELD = "✔ held"
DID_NOT_HOLD = "✘ did not hold"
NOT_MEASURABLE = "○ not measurable here"
NOT_JUDGED = "? not judged"


def claim(condition: object, sentence: str, measured: str = "", otherwise: str = "") -> None:
    """Print whether `sentence` held in this run.

    `measured` gives the figures it rests on, `otherwise` says why it may not hold.
    Never raises: a lesson goes on, and the tests compare the printed verdict.
    """
    if advice := _no_condition(condition) or _not_awaited(measured):
        print(f"{NOT_JUDGED}: {sentence}\n  Why: {advice}")
        return
    print(f"{HELD if condition else DID_NOT_HOLD}: {sentence}")
    if measured:
        print(f"  measured: {measured}")
    if not condition and otherwise:
        print(f"  Possible cause: {otherwise}")


def _no_condition(value: object) -> str | None:
    if isinstance(value, Run):
        return "a run is neither true nor false; write a condition, such as run.peak_overlap == 4."
    return _not_awaited(value)


def _not_awaited(value: object) -> str | None:
    """What to do if this is a coroutine, which has done nothing so far."""
    if not inspect.iscoroutine(value):
        return None
    name = value.__name__
    value.close()  # otherwise Python warns of it too, in less helpful words
    return f"nothing has been measured yet: write await before {name}(...)."


def not_measurable(sentence: str, reason: str) -> None:
    """Print that this machine cannot show whether `sentence` holds, and why."""
    print(f"{NOT_MEASURABLE}: {sentence}")
    print(f"  Why: {reason}")


def reveal(guess: object, measured: float, unit: str) -> None:
    """Show the reader's guess next to the figure; both in `unit` (seconds, requests, workers)."""
    if advice := _not_awaited(measured):
        print(f"No figure: {advice}")
        return
    figure = f"{measured:.2f}" if isinstance(measured, float) else f"{measured}"
    print(f"  measured: {figure} {unit}")
    if guess is None:
        print("You made no guess. Set my_guess above and run again: guessing is how you learn.")
    elif not isinstance(guess, int | float) or isinstance(guess, bool):
        print(f"Your guess is {guess!r}. Make it a plain number of {unit}, such as my_guess = 3.")
    elif not is_plain_number(guess):
        print(f"Your guess is not a finite number of {unit}. Make it one, such as my_guess = 3.")
    elif guess < 0:
        print(f"You guessed {guess:g} {unit}. It can't be less than zero: try again.")
    else:
        print(f"You guessed {guess:g} {unit}.")


def is_plain_number(guess: object) -> bool:
    """Whether this is a number that can be compared and drawn: not NaN, infinite or too large."""
    if not isinstance(guess, int | float) or isinstance(guess, bool):
        return False
    try:
        return math.isfinite(guess)
    except OverflowError:  # a whole number beyond the largest float
        return False
