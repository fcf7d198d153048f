"""Every claim can fail: break what it speaks of, and the lesson turns red.

Each breakage edits a copy of the repository, runs the cells that matter under strict nbval, and
expects the claim itself to say that it did not hold, in the cells named and in no other.
"""

import importlib
import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.breakages import Breakage
from tests.notebooks.nbval_run import run_nbval
from workerlab.claims import DID_NOT_HOLD
from workerlab.course import notebooks
from workerlab.server import ROOT

# Seconds for the longest, all of lesson 11, and for its longest cell, where the cores are busy.
LIMIT, CELL_LIMIT = 400, 240
LESSONS = notebooks.find(ROOT / "lessons")


def breakages_of(lesson: Path) -> list[Breakage]:
    """What is broken in this lesson."""
    return importlib.import_module(f"tests.notebooks.breakages.lesson_{lesson.name[:2]}").BREAKAGES


CASES = [
    pytest.param(lesson, breakage, id=f"{lesson.name[:2]} {breakage.name}")
    for lesson in LESSONS
    for breakage in breakages_of(lesson)
]


@pytest.mark.slow
@pytest.mark.parametrize(("lesson", "breakage"), CASES)
def test_breakage_turns_the_lesson_red(lesson: Path, breakage: Breakage, tmp_path: Path) -> None:
    notebook = copy_and_break(lesson, breakage, tmp_path)
    environment = {
        **os.environ,
        # The copy's code instead of ours.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])),
        # Of the plugins that are installed only nbval: the others take time to load.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "WORKERLAB_EARLY_FASTAPI": "1",
    }
    report = run_nbval(notebook, tmp_path, environment, limit=LIMIT, cell_limit=CELL_LIMIT)
    failed = {breakage.cells[int(n)] for n in re.findall(r"^FAILED .*::Cell (\d+)", report, re.M)}
    assert failed == breakage.red, report
    claims = [cell for cell in nbformat.read(notebook, as_version=4).cells
              if cell.id in breakage.red and "claim(" in cell.source]  # fmt: skip
    verdicts = re.findall(rf"^{DID_NOT_HOLD}: ", report, re.M)  # the lines that the cells printed
    assert len(verdicts) >= len(claims) > 0, report


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_every_claim_has_a_breakage(lesson: Path) -> None:
    covered = {cell for breakage in breakages_of(lesson) for cell in breakage.red}
    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "code" and re.search(r"^\s*claim\(", cell.source, re.MULTILINE):
            assert cell.id in covered, f"nothing breaks {cell.id}"


def copy_and_break(lesson: Path, breakage: Breakage, folder: Path) -> Path:
    """Copy the repository's code, apply the edits, and write the notebook cut to its cells."""
    # With what is compiled already; what another process is just compiling is left out.
    unfinished = shutil.ignore_patterns("*.pyc.*")
    for name in ("app", "workerlab"):
        shutil.copytree(ROOT / name, folder / name, ignore=unfinished)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    notebook = nbformat.read(lesson, as_version=4)
    by_id = {cell.id: cell for cell in notebook.cells}
    notebook.cells = [by_id[cell] for cell in breakage.cells]
    for file, old, new in breakage.edits:
        if file == "lesson":
            changed = [c for c in notebook.cells if old in c.source]
            assert changed, f"no cell contains {old!r}"
            for cell in changed:
                cell.source = cell.source.replace(old, new)
        else:
            text = (folder / file).read_text()
            assert old in text, f"{file} no longer contains {old!r}"
            (folder / file).write_text(text.replace(old, new))
    leave_out_pictures(folder)
    (folder / "lessons").mkdir()
    path = folder / "lessons" / lesson.name
    nbformat.write(notebook, path)
    return path


def leave_out_pictures(folder: Path) -> None:
    """Have the copy draw nothing: a claim speaks of a run, and a picture says the same in text."""
    style = folder / "workerlab/pictures/style.py"
    text = style.read_text()
    assert text.count("self.png()") == 1
    style.write_text(text.replace("self.png()", 'b""'))
