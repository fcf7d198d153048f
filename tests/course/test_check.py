"""./learn check: a verdict for every task, whatever the notebook does, and nothing left running."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from tests.helpers import TOKEN, describe, kill, offspring, wait_until
from workerlab import ROOT
from workerlab.checks.verdicts import not_attempted, right, wrong
from workerlab.course import check, notebooks
from workerlab.course.check import Section, printed_verdicts, verdict_on
from workerlab.course.kernel import Kernel, Ran
from workerlab.server.guard import Guard

# An exercise whose checks take no time: three tasks, for each of which 4 is right.
SETUP = "from tests.course.ex01_sums import check"
RIGHT = "✔ right: it is 4."
WRONG = "✘ wrong: It is not 4.\n  Ask yourself: What is 2 + 2?"
ENDLESS = (
    "while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt:\n        pass"
)


def write(path: Path, *cells: str) -> Path:
    content = [
        {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# Exercise 01 · Sums"}
    ]
    for number, source in enumerate(cells):
        cell = {"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": []}
        content.append({**cell, "execution_count": None, "source": source.splitlines(True)})
    notebook = {"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def exercise(root: Path, *answers: str) -> Path:
    """An exercise in mine/ with these answers to its tasks; those left out are blank."""
    cells, blank = [SETUP], [SETUP]
    for number in (1, 2, 3):
        answer = answers[number - 1] if number <= len(answers) else f"a{number} = ..."
        check = f"check.task_{number}(a{number})\n# check.hint({number})"
        cells += [answer, check]
        blank += [f"a{number} = ...", check]
    write(root / "exercises/01_sums.ipynb", *blank)
    return write(root / "mine/exercises/01_sums.ipynb", *cells, "raise SystemExit('not needed')")


def verdicts(text: str) -> dict[int, str]:
    """Task number to verdict, of what the command has printed."""
    blocks = [block for block in text.split("\n\n") if block.startswith("01 · Sums, task ")]
    heads = [block.split("\n", 1) for block in blocks]
    return {int(head.removeprefix("01 · Sums, task ")): verdict for head, verdict in heads}


def checked(root: Path, capsys, *names: str, limit: float = 20) -> tuple[int, dict[int, str]]:
    status = check.run(list(names), root, limit)
    return status, verdicts(capsys.readouterr().out)


@pytest.fixture
def token(monkeypatch):
    """Marks every process that a test starts; none of them may be left at its end."""
    value = uuid.uuid4().hex
    monkeypatch.setenv(TOKEN, value)
    yield value
    monkeypatch.delenv(TOKEN)
    left = offspring(value)
    names = describe(left)
    kill(left)
    assert names == []


# Which exercise


@pytest.mark.parametrize("name", ["7", "02", "00_sums", "lessons/01", "..", "", "01_sums.2026"])
def test_an_unknown_exercise_is_a_sentence_with_those_there_are(tmp_path, capsys, name):
    exercise(tmp_path)
    assert check.run([name], tmp_path) == 2
    said = capsys.readouterr()
    assert said.err == f"learn: there is no exercise {name!r}; there are: 01_sums\n"
    assert said.out == ""


def test_no_exercises_yet(tmp_path, capsys):
    assert check.run([], tmp_path) == 2
    assert "./learn puts them there" in capsys.readouterr().err


@pytest.mark.parametrize("names", [[], ["1"], ["01", "01_sums"], ["mine/exercises/01_sums.ipynb"]])
def test_a_broken_notebook_is_a_sentence_and_stays(tmp_path, capsys, names):
    path = exercise(tmp_path)
    path.write_text("<<<<<<< HEAD")
    assert check.run(names, tmp_path) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert "mine/exercises/01_sums.ipynb is no longer a notebook" in said.err
    assert path.read_text() == "<<<<<<< HEAD"


def test_a_file_that_hides_a_module_is_named_first(tmp_path, capsys):
    broken = tmp_path / "mine/exercises/01_sums.ipynb"
    write(broken).write_text("{")
    broken.with_name("app.py").touch()
    check.run([], tmp_path)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("learn: mine/exercises/app.py hides the module app ")
    assert "is no longer a notebook" in second


@pytest.mark.parametrize("is_folder", [False, True])
def test_an_original_that_cannot_be_read_is_a_sentence(tmp_path, capsys, is_folder):
    write(tmp_path / "mine/exercises/01_sums.ipynb")
    original = tmp_path / "exercises/01_sums.ipynb"
    original.parent.mkdir()
    original.mkdir() if is_folder else original.write_text("<<<<<<< HEAD")
    check.run([], tmp_path)
    assert capsys.readouterr().err == (
        "learn: exercises/01_sums.ipynb cannot be read as a notebook; the tasks are taken from "
        "your copy.\n"
    )


def test_copies_and_what_was_set_aside_are_not_checked(tmp_path):
    path = exercise(tmp_path)
    for name in ("01_sums.2026-11-22-143015.ipynb", "01_sums-Copy1.ipynb", "Untitled.ipynb"):
        shutil.copy(path, path.with_name(name))
    assert notebooks.find(path.parent) == [path]


# What the notebook says


def test_a_section_is_a_cell_with_checks_and_the_cells_before_it(tmp_path):
    cells = [
        "a = 1",
        "%time b = 2",
        "# check.task_9(a)",
        "  check.task_1(a)",
        "check.task_2(b)",
        "c",
    ]
    found = check.sections(notebooks.load(write(tmp_path / "x.ipynb", *cells)))
    assert found == [Section(cells[:3], cells[3], [1]), Section([], cells[4], [2])]


def test_only_the_verdict_is_taken_from_what_a_cell_prints():
    refused = wrong("not-four", "It is no 4.", "?", ran="2 + 2", came_back="4\n5")
    output = (
        f"hello\n  there\n{refused}\nHint 1 of 3: think\n  more\n{right('yes.')}\n{not_attempted()}"
    )
    assert printed_verdicts(output) == [str(refused), str(right("yes.")), str(not_attempted())]


def test_a_line_which_is_not_known_is_left_out():
    verdict = verdict_on(Ran("\n# first\n1 / 0", "raised", error="ZeroDivisionError: x"), 30)
    assert verdict.sentence == "Your cell raised ZeroDivisionError."
    assert verdict.ran == "# first"


# In a kernel


@pytest.mark.slow
def test_every_task_has_its_verdict_and_the_notebook_stays_as_it_is(tmp_path, capsys, token):
    path = exercise(tmp_path, "a1 = 2 + 2", "a2 = 5")
    before = path.read_bytes()
    status, found = checked(tmp_path, capsys)
    assert status == 1
    assert found == {1: RIGHT, 2: WRONG, 3: str(not_attempted())}
    assert path.read_bytes() == before
    assert [p.name for p in (tmp_path / "mine").rglob("*") if p.is_file()] == ["01_sums.ipynb"]


@pytest.mark.slow
def test_all_right_is_exit_status_0(tmp_path, capsys, token):
    exercise(tmp_path, "a1 = 4", "import asyncio\na2 = await asyncio.sleep(0, 4)", "a3 = int('4')")
    assert checked(tmp_path, capsys, "01") == (0, {1: RIGHT, 2: RIGHT, 3: RIGHT})


ENDLESS_CELL, ENDED, RAISED = "did not finish within", "killed the notebook's kernel", "raised"
HOSTILE = {
    "while True: pass": ENDLESS_CELL,
    ENDLESS: ENDLESS_CELL,
    "while True: print('x' * 1000)": ENDLESS_CELL,
    "import asyncio\nawait asyncio.sleep(1000)": ENDLESS_CELL,
    "import os\nos._exit(3)": ENDED,
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)": ENDED,
    "import ctypes\nctypes.string_at(0)": ENDED,
    "exit()": ENDED,
    "import sys\nsys.exit()": ENDED,
    "import os\nos.system('yes')": ENDLESS_CELL,
    "a2 = 1 / 0": RAISED,
    "a2 = (": RAISED,
    "a2 = input()": RAISED,
    "raise KeyboardInterrupt": RAISED,
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass": ENDLESS_CELL,
}


@pytest.mark.slow
@pytest.mark.parametrize(("source", "known_as"), HOSTILE.items())
def test_a_hostile_cell_gets_its_verdict_and_the_tasks_after_it_too(
    tmp_path, capsys, token, source, known_as
):
    exercise(tmp_path, "before = 4\na1 = before", source, "a3 = before")
    status, found = checked(tmp_path, capsys, limit=4)
    assert status == 1
    assert found[1] == found[3] == RIGHT
    assert found[2].startswith("✘ wrong: ")
    assert known_as in found[2].splitlines()[0]
    assert "Traceback" not in found[2]
    if known_as != RAISED:
        assert f"the cell that begins with: {source.splitlines()[0]}" in found[2]


@pytest.mark.slow
def test_an_error_is_told_with_its_name_and_line(tmp_path, capsys, token):
    calls = "def half(n):\n    return n / 0\n\na1 = half(8)"
    exercise(tmp_path, calls, "a2 = 4\n\na2 = = 4", "%xmode Plain\na3 = 4")
    _, found = checked(tmp_path, capsys)
    assert found[1].splitlines() == [
        "✘ wrong: Your cell raised ZeroDivisionError in line 4.",
        "  ran: line 4: a1 = half(8)",
        "  measured: ZeroDivisionError: division by zero",
        "  Ask yourself: What does the line do that the error points to?",
    ]
    assert "SyntaxError in line 3" in found[2] and "line 3: a2 = = 4" in found[2]
    assert found[3] == RIGHT


@pytest.mark.slow
def test_a_trial_which_raised_does_not_make_a_right_answer_wrong(tmp_path, capsys, token):
    original = exercise(tmp_path)
    cells = [SETUP, "1 / 0", "a1 = 4", "check.task_1(a1)", "nowhere", "pass", "check.task_2(a2)"]
    write(original, *cells)
    _, found = checked(tmp_path, capsys)
    assert found[1] == RIGHT
    assert "NameError: name 'nowhere' is not defined" in found[2]
    assert found[3].startswith("? could not check: the notebook has no cell with check.task_3;")


@pytest.mark.slow
def test_what_the_cells_started_is_ended(tmp_path, capsys, token):
    start = (
        "import subprocess\n"
        "a1 = 4\n"
        "for number in range(30):\n"
        "    subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
    )
    server = (
        "from workerlab import Server\n"
        "server = Server('uvicorn app.main:app --workers 2 --port {port}')\n"
        "a2 = 4\n"
    )
    exercise(tmp_path, start, server, "a3 = 4")
    status, _ = checked(tmp_path, capsys, limit=30)
    assert status == 0
    assert describe(offspring(token)) == []


def test_a_kernel_that_cannot_be_started_leaves_no_folder(tmp_path, monkeypatch):
    def fail(*args, **options):
        raise OSError("no process can be started")

    made = []
    make = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **args: made.append(make(**args)) or made[-1])
    monkeypatch.setattr(Guard, "start", fail)
    with pytest.raises(OSError, match="no process"):
        Kernel(tmp_path)
    assert len(made) == 1 and not Path(made[0]).exists()


@pytest.mark.slow
def test_temporary_folders_end_with_a_kernel_that_is_killed(tmp_path, capsys, token):
    kills = (
        "import os, pathlib, signal, tempfile\n"
        "pathlib.Path('made').write_text(tempfile.mkdtemp(prefix='workerlab-'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = exercise(tmp_path, kills)
    checked(tmp_path, capsys)
    made = (path.parent / "made").read_text()
    assert not os.path.exists(made)
    # There is room for a socket of multiprocessing.
    assert len(f"{made}/pymp-12345678/listener-12345678") <= 103


@pytest.mark.slow
def test_a_notebook_which_kills_its_guard_leaves_nothing_either(tmp_path, capsys, token):
    kills = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\na2 = 4"
    exercise(tmp_path, "a1 = 4", kills)
    status, _ = checked(tmp_path, capsys)
    assert status == 1
    assert describe(offspring(token)) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_command_is_ended(tmp_path, token, number):
    answer = f"import subprocess\nsubprocess.Popen(['sleep', '600'])\n{ENDLESS}"
    exercise(tmp_path, "a1 = 4", answer)
    runs = (
        "import sys, pathlib; from workerlab.course import check\n"
        "try: check.run([], pathlib.Path(sys.argv[1]))\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    command = [sys.executable, "-c", runs, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            while (line := process.stdout.readline()) != "01 · Sums, task 2\n":
                assert line, process.stderr.read()
            is_up = lambda: any("sleep 600" in line for line in describe(offspring(token)))  # noqa: E731
            wait_until(is_up, 20, "the cell to start its process")
            process.send_signal(number)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert err == ""
    wait_until(lambda: not offspring(token), 20, "all processes to end")


@pytest.mark.slow
def test_a_right_task_is_noted_for_the_reader_and_not_for_a_test(tmp_path, token):
    shutil.copytree(
        ROOT / "workerlab", tmp_path / "workerlab", ignore=shutil.ignore_patterns("__pycache__")
    )
    exercise(tmp_path, "import os\nos.chdir('/')\na1 = 4", "a2 = 5")
    command = [sys.executable, "-m", "workerlab.course.cli", "check", "01"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    options = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 60}
    done = tmp_path / "mine/progress.json"

    assert environment["PYTEST_CURRENT_TEST"]
    assert RIGHT in subprocess.run(command, env=environment, **options).stdout
    assert not done.exists()

    del environment["PYTEST_CURRENT_TEST"]
    result = subprocess.run(command, env=environment, **options)
    assert result.returncode == 1, result.stderr
    noted = json.loads(done.read_text())
    assert list(noted) == ["01"] and list(noted["01"]) == ["1"]


@pytest.mark.slow
def test_a_solution_in_its_place_is_right(tmp_path, capsys, token):
    for solution in notebooks.find(ROOT / "solutions")[:1]:
        (tmp_path / "mine/exercises").mkdir(parents=True)
        shutil.copy(solution, tmp_path / "mine/exercises")
        assert check.run([solution.name[:2]], tmp_path) == 0, capsys.readouterr().out
