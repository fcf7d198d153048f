"""Holding a sentence of a lesson against the reader's own run."""

HELD = "✔ held"
DID_NOT_HOLD = "✘ did not hold"
NOT_MEASURABLE = "○ not measurable here"


def claim(condition: object, sentence: str, measured: str = "", otherwise: str = "") -> None:
    """Print whether `sentence` held in this run.

    `measured` gives the figures it rests on, `otherwise` what can cause that it does not hold.
    Never raises: a lesson goes on, and the tests compare the printed verdict.
    """
    print(f"{HELD if condition else DID_NOT_HOLD}: {sentence}")
    if measured:
        print(f"  measured: {measured}")
    if not condition and otherwise:
        print(f"  What can cause that: {otherwise}")


def not_measurable(sentence: str, reason: str) -> None:
    """Print that this machine cannot show whether `sentence` holds, and why."""
    print(f"{NOT_MEASURABLE}: {sentence}")
    print(f"  Why: {reason}")


def reveal(guess: object, measured: float, unit: str) -> None:
    """Set the reader's guess beside the figure; both in `unit` (seconds, requests, workers)."""
    figure = f"{measured:.2f}" if isinstance(measured, float) else f"{measured}"
    print(f"  measured: {figure} {unit}")
    if guess is None:
        print("You made no guess. Set my_guess above and run again: guessing is how one learns.")
    elif not isinstance(guess, int | float) or isinstance(guess, bool):
        print(f"Your guess is {guess!r}. Make it a plain number of {unit}, as my_guess = 3.")
    elif guess < 0:
        print(f"You guessed {guess:g} {unit}. It cannot be less than nothing: try again.")
    else:
        print(f"You guessed {guess:g} {unit}.")
