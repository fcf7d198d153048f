import pytest

from workerlab import bars
from workerlab.claims import claim, not_measurable, reveal
from workerlab.records import Record, Run


def test_a_claim_that_held(capsys):
    claim(True, "four at once", measured="4", otherwise="a busy machine")
    assert capsys.readouterr().out == "✔ held: four at once\n  measured: 4\n"


def test_a_claim_that_did_not_hold_says_what_can_cause_that(capsys):
    claim([], "four at once", measured="3", otherwise="a busy machine")
    assert capsys.readouterr().out == (
        "✘ did not hold: four at once\n"
        "  measured: 3\n"
        "  Possible cause: a busy machine\n"
    )  # fmt: skip


def test_a_claim_which_this_machine_cannot_show(capsys):
    not_measurable("two cores compute at once", "this machine has one core")
    assert capsys.readouterr().out == (
        "○ not measurable here: two cores compute at once\n  Why: this machine has one core\n"
    )


async def burst():
    return Run([])


@pytest.mark.filterwarnings("error")
def test_a_forgotten_await_is_no_claim_and_no_figure(capsys):
    claim(burst(), "four at once")
    claim(True, "four at once", measured=burst())
    reveal(1, burst(), "seconds")
    advice = "nothing has been measured yet: write await before burst(...).\n"
    assert capsys.readouterr().out == (
        2 * f"? not judged: four at once\n  Why: {advice}" + f"No figure: {advice}"
    )


def test_a_run_is_no_condition(capsys):
    claim(Run([Record(status=200)]), "four at once")
    out = capsys.readouterr().out
    assert out.startswith("? not judged: four at once\n  Why: a run is neither true nor false")


@pytest.mark.parametrize(
    "guess",
    [float("nan"), float("inf"), -float("inf"), 10**400, 10**5000],
    ids=["nan", "inf", "-inf", "10**400", "10**5000"],
)
def test_a_guess_beyond_all_numbers_is_told_and_not_drawn(capsys, guess):
    reveal(guess, 2.416, "seconds")
    assert "Your guess is not a finite number of seconds." in capsys.readouterr().out
    assert bars({"one": 1.0}, "s", mark=guess).mark is None


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
