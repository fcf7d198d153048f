"""./learn test and plain pytest: what is not there is a sentence, and slow tests stay out."""

import re
import subprocess
import sys

import pytest

from workerlab import ROOT
from workerlab.course import test

HERE = "tests/course/test_test.py"


@pytest.mark.parametrize(
    "arguments", [["nothing.ipynb"], ["lessons", "nothing"], ["nothing.py::test_x", "-x"]]
)
def test_a_file_that_is_not_there_is_a_sentence_and_nothing_runs(monkeypatch, capsys, arguments):
    monkeypatch.setattr(test, "call", lambda command: pytest.fail("it ran"))
    assert test.run(arguments, slow=True) == test.WRONG_USAGE
    said = capsys.readouterr().err
    assert said.startswith("learn: there is no file or folder nothing") and said.count("\n") == 1


@pytest.mark.parametrize("arguments", [["-k", "nothing"], ["-x", "nothing.ipynb"], ["--no-such"]])
def test_what_only_pytest_understands_is_run_once_if_it_does_not(monkeypatch, arguments):
    commands = []
    monkeypatch.setattr(test, "call", lambda command: commands.append(command) or test.WRONG_USAGE)
    assert test.run(arguments, slow=True) == test.WRONG_USAGE
    assert len(commands) == 1


def test_a_named_file_is_found_before_an_option_and_after_one():
    arguments = [HERE, "-k", "a/b", f"{HERE}::test_x", "-x", HERE]
    assert test.named_files(arguments) == [HERE, HERE]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "quick", "slow", "told"),
    [
        ([HERE], True, False, True),
        ([HERE, "-m", "slow"], False, True, False),
        ([HERE, "-m", "slow or not slow"], True, True, False),
        ([f"{HERE}::test_plain_pytest_takes_the_quick_ones_and_says_so"], False, True, False),
        ([HERE, "-k", "a_named_file"], True, False, False),
    ],
)
def test_plain_pytest_takes_the_quick_ones_and_says_so(arguments, quick, slow, told):
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60).stdout
    assert ("::test_a_named_file" in said) is quick
    assert ("::test_plain_pytest" in said) is slow
    line = r"^Slow tests left out: [1-9]\d*; ./learn test --all runs them too\.$"
    assert bool(re.search(line, said, re.MULTILINE)) is told
