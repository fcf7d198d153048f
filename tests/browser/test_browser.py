"""A real browser runs lessons as a reader does, from ./learn, and sees their pictures grow."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest

from tests.tools import run, system_command, tool
from workerlab import ROOT

LESSONS = ["mine/lessons/02_blocking_the_loop", "mine/lessons/05_who_gets_the_request"]
# What Notebook 7.6 itself says at the start of every page.
KNOWN_ERRORS = {
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered.",
}

# Its first burst is long enough for a click in its middle on any machine.
INTERRUPTED = [
    "from workerlab import Server, burst, claim, stop_all\n"
    'server = Server("uvicorn app.main:app --port {port}")',
    'run = await burst(f"{server.url}/slow?seconds=1", n=8)',
    'run = await burst(f"{server.url}/slow?seconds=0.3", n=4)\n'
    'claim(len(run) == 4 and not run.failures, "all four were answered")',
    "stop_all()",
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    """The address of a JupyterLab which ./learn serves from a copy of this repository."""
    system_command("chromium")
    tool("playwright")  # skips where it can't be installed
    folder = tmp_path_factory.mktemp("reader") / "repository"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), names.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    cells = [nbformat.v4.new_code_cell(source) for source in INTERRUPTED]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "interrupted.ipynb")
    kept = {name: os.environ[name] for name in os.environ if name != "PYTEST_CURRENT_TEST"}
    process = subprocess.Popen(
        [str(folder / "learn"), "--no-browser", "--allow-root"],
        env={**kept, "HOME": str(folder.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        address = process.stdout.readline().strip()
        assert address, "./learn has printed no address"
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def look(scenario: str, address: str) -> list[dict[str, Any]]:
    """What a scenario of the driver has seen, which is listed there."""
    driver = [tool("python"), "-m", "tests.browser.driver", scenario, address]
    return json.loads(run(*driver, cwd=ROOT, timeout=400))


def at(lab: str, notebook: str, page: str = "lab/tree") -> str:
    server, _, token = re.fullmatch(r"(http://[^/]+/)(.*)\?(token=.*)", lab).groups()
    # Without the tabs of the test before.
    return f"{server}{page}/{notebook}.ipynb?reset&{token}"


def check_that_all_went_well(facts: dict[str, Any]) -> None:
    assert facts["errors"] == [] and facts["dialogs"] == []
    assert re.search(r"\d", facts["last_prompt"]), "the last cell has not run"
    text = "\n".join(facts["outputs"])
    assert "held" in text and "did not hold" not in text and "Error" not in text


def check_that_pictures_grew(facts: dict[str, Any]) -> None:
    """Bars got longer while their cell ran, and an image has the place of the last frame."""
    by_cell = defaultdict(list)
    for note in facts["seen"]:
        by_cell[note["cell"]].append(note)
    grown = 0
    for cell, notes in by_cell.items():
        frames = [note for note in notes if note["kind"] == "svg" and note["busy"]]
        if not frames:
            continue
        assert notes[-1]["kind"] == "img", f"cell {cell} ends with a frame"
        assert len({note["height"] for note in frames}) == 1, f"cell {cell} jumps"
        widths = defaultdict(set)  # by run of this cell
        for note in frames:
            widths[note["text"].partition(" request")[0]].add(round(note["width"]))
        grown += max(map(len, widths.values())) >= 3
    assert grown >= 2


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_runs_in_jupyterlab_and_its_pictures_grow(lab, lesson):
    (facts,) = look("run_all", at(lab, lesson))
    check_that_all_went_well(facts)
    check_that_pictures_grew(facts)


def test_a_lesson_runs_in_notebook_7_and_its_pictures_grow(lab):
    (facts,) = look("run_all", at(lab, LESSONS[0], "notebooks"))
    facts["errors"] = [text for text in facts["errors"] if text not in KNOWN_ERRORS]
    check_that_all_went_well(facts)
    check_that_pictures_grew(facts)


def test_after_an_interrupt_and_a_restart_all_runs_again(lab):
    interrupted, again = look("interrupt_and_restart", at(lab, "interrupted"))
    text = "\n".join(interrupted["outputs"])
    assert re.search(r"stopped after \d+\.\d s, \d of \d answered", text)
    pictures = [note for note in interrupted["seen"] if note["kind"] == "img"]
    assert any("stopped" in note["text"] for note in pictures)
    assert all("0 failed" in note["text"] for note in interrupted["seen"])
    check_that_all_went_well(again)
    check_that_pictures_grew(again)


def test_the_tabs_of_a_lesson_and_its_exercise_can_be_told_apart(lab):
    lesson, exercise = look("open_the_exercise", at(lab, "mine/lessons/04_many_workers"))
    assert lesson["text"] == exercise["text"] == "04_many_workers.ipynb"
    assert (lesson["before"], exercise["before"]) == ("none", '"Exercise "')
