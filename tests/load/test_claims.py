import pytest

from workerlab.claims import claim, not_measurable, reveal


def test_a_claim_that_held(capsys):
    claim(True, "four at once", measured="4", otherwise="a busy machine")
    assert capsys.readouterr().out == "✔ held: four at once\n  measured: 4\n"


def test_a_claim_that_did_not_hold_says_what_can_cause_that(capsys):
    claim([], "four at once", measured="3", otherwise="a busy machine")
    assert capsys.readouterr().out == (
        "✘ did not hold: four at once\n"
        "  measured: 3\n"
        "  What can cause that: a busy machine\n"
    )  # fmt: skip


def test_a_claim_which_this_machine_cannot_show(capsys):
    not_measurable("two cores compute at once", "this machine has one core")
    assert capsys.readouterr().out == (
        "○ not measurable here: two cores compute at once\n  Why: this machine has one core\n"
    )


@pytest.mark.parametrize(
    ("guess", "words"),
    [
        (None, "You made no guess"),
        (4, "You guessed 4 seconds."),
        (0.5, "You guessed 0.5 seconds."),
        ("4", "Your guess is '4'. Make it a plain number of seconds"),
        (True, "Make it a plain number"),
    ],
)
def test_reveal_sets_the_guess_beside_the_figure(capsys, guess, words):
    reveal(guess, 2.416, "seconds")
    out = capsys.readouterr().out
    assert out.startswith("  measured: 2.42 seconds\n") and words in out
