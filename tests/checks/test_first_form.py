"""Readers' own copies of the exercises in their first form, blank and solved, go on working.

first_form/ holds the code of the solutions as they were until December 2026, as .json files, since
pytest would run an .ipynb. A task that has been asked anew since is not judged in them; all others
are, as before.
"""

import re
from pathlib import Path

import nbformat
import pytest

from tests.answers import run_cell
from tools.make_exercises import exercise_from
from workerlab import ROOT
from workerlab.checks.verdicts import COULD_NOT_CHECK, NOT_ATTEMPTED, RIGHT, WRONG
from workerlab.course import check, notebooks

ASKED_ANEW = {"03": {2}, "05": {2}, "06": {1, 2}, "07": {1, 2, 3}}
COPIES = sorted((Path(__file__).parent / "first_form").glob("*.json"))
every_copy = pytest.mark.parametrize("copy", COPIES, ids=lambda path: path.stem)


def verdicts(path: Path, root: Path, capsys) -> dict[int, str]:
    """Task number to what `./learn check` prints for it."""
    check.run([path.stem[:2]], root)
    printed = capsys.readouterr().out
    blocks = re.split(r"^\d\d · .*, task (\d+)$", printed, flags=re.MULTILINE)[1:]
    pairs = zip(blocks[::2], blocks[1::2], strict=True)
    return {int(number): text.strip().partition("\n\n")[0] for number, text in pairs}


def test_what_is_asked_anew_is_known():
    forms = {}
    for module in sorted((ROOT / "workerlab/checks").glob("ex*/task_*.py")):
        if "\nFORM = 2\n" in module.read_text():
            forms.setdefault(module.parent.name[2:4], set()).add(int(module.stem.split("_")[1]))
    assert forms == ASKED_ANEW


@every_copy
def test_a_blank_copy_is_not_attempted(copy, capsys):
    # The import of the check, the blanks and the checks: no server is needed for them.
    needed, names = re.compile(r"import check|# <-|check\.task"), {}
    for cell in exercise_from(nbformat.read(copy, as_version=4), copy.name).cells:
        if cell.cell_type == "code" and needed.search(cell.source):
            names |= run_cell(cell.source, names)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(notebooks.tasks(notebooks.load(copy)))
    assert all(line.startswith(NOT_ATTEMPTED) for line in printed), printed


@pytest.mark.slow
@every_copy
def test_a_solved_copy_is_judged_as_before(copy, tmp_path, capsys):
    path = tmp_path / "mine/exercises" / f"{copy.stem}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(copy.read_bytes())
    found = verdicts(path, tmp_path, capsys)
    number = copy.stem[:2]
    changed = f"This task has changed; `./learn reset {number}` gets the new one and keeps yours."
    for task, text in found.items():
        if task in ASKED_ANEW.get(number, ()):
            assert text == f"{COULD_NOT_CHECK}: {changed}"
        else:
            assert text.startswith(RIGHT), text
    assert not any(text.startswith(WRONG) for text in found.values())


def test_every_exercise_of_the_first_form_is_here():
    assert [path.stem for path in COPIES] == [
        "01_one_worker",
        "02_blocking_the_loop",
        "03_the_thread_pool",
        "04_many_workers",
        "05_who_gets_the_request",
        "06_the_config_file",
        "07_how_many_workers",
    ]
