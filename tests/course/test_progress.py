"""Progress: nothing is lost by two writers, a damaged file is set aside, no test touches it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.course.ex01_sums import check
from tests.course.test_check import exercise, write
from workerlab.course import progress


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    return tmp_path


def set_aside(root: Path) -> list[Path]:
    return [path for path in (root / "mine").iterdir() if path.name.startswith("progress.2")]


# The file


def test_a_task_is_noted_once_with_its_date(root):
    progress.record("01", 2, root)
    first = progress.load(root)
    assert list(first) == ["01"] and list(first["01"]) == ["2"]
    progress.file(root).write_text('{"01": {"2": "2026-01-01T10:00:00"}}')
    progress.record("01", 2, root)
    assert progress.load(root) == {"01": {"2": "2026-01-01T10:00:00"}}


def test_nothing_yet(tmp_path):
    assert progress.load(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_processes_which_write_at_once_lose_nothing(root):
    program = (
        "import sys, pathlib; from workerlab.course import progress\n"
        "for task in range(20): progress.record(sys.argv[1], task, pathlib.Path(sys.argv[2]))"
    )
    numbers = ("01", "02", "03", "04")
    commands = [[sys.executable, "-c", program, number, str(root)] for number in numbers]
    processes = [subprocess.Popen(command) for command in commands]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    done = progress.load(root)
    assert {number: len(tasks) for number, tasks in done.items()} == dict.fromkeys(numbers, 20)
    assert {path.name for path in (root / "mine").iterdir()} == {"progress.json", ".progress.lock"}


DAMAGED = {
    "truncated": b'{"01": {"1": "2026-',
    "garbage": b"\xff\x00\x01",
    "empty": b"",
    "list": b"[]",
    "number": b"3",
    "other form": b'{"01": ["1", "2"]}',
    "no date": b'{"01": {"1": true}}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_set_aside_and_said_so(root, capsys, content):
    progress.file(root).write_bytes(content)
    assert progress.load(root) == {}
    (kept,) = set_aside(root)
    assert kept.read_bytes() == content
    said = capsys.readouterr().err
    assert f"mine/{kept.name}" in said and "./learn check" in said and said.count("\n") == 1
    assert not progress.file(root).exists()
    assert progress.load(root) == {}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_task_is_noted_over_a_damaged_file_too(root, capsys, content):
    progress.file(root).write_bytes(content)
    progress.record("01", 1, root)
    assert list(progress.load(root)["01"]) == ["1"]
    assert [path.read_bytes() for path in set_aside(root)] == [content]
    assert "damaged" in capsys.readouterr().err


def test_a_write_that_is_cut_off_leaves_the_old_file(root, monkeypatch, capsys):
    progress.record("01", 1, root)
    before = progress.file(root).read_text()

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        progress.record("01", 2, root)
    assert "could not be saved: [Errno 28] No space left" in capsys.readouterr().err
    assert progress.file(root).read_text() == before
    assert {path.name for path in (root / "mine").iterdir()} == {"progress.json", ".progress.lock"}


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, capsys):
    # As root every folder can be written; one that is not there cannot.
    progress.record("01", 1, tmp_path)
    said = capsys.readouterr().err
    assert said.startswith("Your progress could not be saved: ") and said.count("\n") == 1


def test_a_file_that_cannot_be_read_is_a_sentence(root, capsys):
    progress.file(root).mkdir()
    assert progress.load(root) == {}
    assert "cannot be read" in capsys.readouterr().err
    progress.record("01", 1, root)
    assert "could not be saved" in capsys.readouterr().err


def test_another_process_that_keeps_the_lock_does_not_hang_the_notebook(root, monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", 0.1)
    with progress._lock(root):
        progress.record("01", 1, root)
    assert "could not be saved" in capsys.readouterr().err
    assert progress.load(root) == {}


# Who is noted


def test_only_the_readers_own_copy_counts_and_no_test(root, monkeypatch):
    (root / "mine/exercises").mkdir()
    (root / "solutions").mkdir()
    monkeypatch.setattr(progress, "STARTED_IN", root / "mine/exercises")
    assert not progress.is_reader_here(root)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    assert progress.is_reader_here(root)
    monkeypatch.setattr(progress, "STARTED_IN", root / "solutions")
    assert not progress.is_reader_here(root)


def test_a_test_which_answers_right_notes_nothing(monkeypatch, capsys):
    def fail(*_):
        raise AssertionError("a test has noted progress")

    monkeypatch.setattr(progress, "record", fail)
    check.task_1(4)
    assert capsys.readouterr().out == "✔ right: it is 4.\n"


def test_what_was_right_in_an_earlier_form_does_not_count(tmp_path, capsys):
    exercise(tmp_path)
    folder = tmp_path / "workerlab/checks/ex01_sums"
    folder.mkdir(parents=True)
    (folder / "task_1_four.py").write_text("HINTS = []\nFORM = 2\n")
    (folder / "task_3_four.py").write_text("HINTS = []\n")
    progress.file(tmp_path).write_text(json.dumps({"01": {"1": "2026-11-20", "3": "2026-11-20"}}))
    progress.show(tmp_path)
    assert "· · ✔" in capsys.readouterr().out
    progress.record("01", 1, tmp_path)
    progress.show(tmp_path)
    assert "✔ · ✔" in capsys.readouterr().out
    assert set(progress.load(tmp_path)["01"]) == {"1", "1.2", "3"}


# The table


def test_the_table(tmp_path, capsys):
    exercise(tmp_path)
    write(tmp_path / "exercises/02_more.ipynb", "check.task_1(1)", "# check.task_2(1)")
    assert progress.show(tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "01  Sums  · · ·",
        "02  Sums  ·",
        "0 of 4 tasks done (✔ done, · open)",
    ]
    done = {"01": {"1": "2026-11-20T09:00:00", "3": "2026-11-22T10:00:00", "9": "2027-01-01"}}
    progress.file(tmp_path).write_text(json.dumps(done))
    assert progress.show(tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "01  Sums  ✔ · ✔  2026-11-22",
        "02  Sums  ·",
        "2 of 4 tasks done (✔ done, · open)",
    ]


def test_the_table_before_there_is_a_copy_or_an_exercise(tmp_path, capsys):
    assert progress.show(tmp_path) == 0
    assert capsys.readouterr().out == "0 of 0 tasks done (✔ done, · open)\n"


@pytest.mark.parametrize(
    ("encoding", "signs"),
    [("utf-8", "✔ · ✔"), ("ascii", "x - x"), ("iso-8859-1", "x - x"), (None, "x - x")],
)
def test_done_and_open_differ_on_every_terminal(encoding, signs):
    done, still_open = progress.signs(encoding)
    assert f"{done} {still_open} {done}" == signs


def test_a_terminal_without_a_tick_gets_other_signs(root, monkeypatch):
    exercise(root)
    progress.record("01", 1, root)
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, "ascii", errors="replace"))
    progress.show(root)
    sys.stdout.flush()
    assert b"x - -" in shown.getvalue() and b"(x done, - open)" in shown.getvalue()


@pytest.mark.parametrize("is_folder", [False, True])
def test_an_exercise_that_is_no_notebook_is_left_out(tmp_path, capsys, is_folder):
    exercise(tmp_path)
    broken = tmp_path / "exercises/02_broken.ipynb"
    broken.mkdir() if is_folder else broken.write_text("<<<<<<< HEAD")
    assert progress.show(tmp_path) == 0
    said = capsys.readouterr()
    assert said.out.endswith("0 of 3 tasks done (✔ done, · open)\n")
    assert said.err == (
        "learn: exercises/02_broken.ipynb cannot be read as a notebook; it is left out.\n"
    )
