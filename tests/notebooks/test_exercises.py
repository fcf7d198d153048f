"""Exercises and solutions: one source, hints in three steps, and no answer given away."""

import importlib
import re
from pathlib import Path

import nbformat
import pytest

from tools.make_exercises import differs, exercise_from
from workerlab.checks.verdicts import COULD_NOT_CHECK, NOT_ATTEMPTED, RIGHT, WRONG
from workerlab.server import ROOT

NAME = "01_one_worker.ipynb"
HEADS = [NOT_ATTEMPTED, WRONG, RIGHT, COULD_NOT_CHECK]
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
every_solution = pytest.mark.parametrize("solution", SOLUTIONS, ids=lambda path: path.stem)


def code_of(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def printed_by(path: Path) -> str:
    outputs = [
        output.get("text", "")
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    return "".join(outputs)


def tasks_of(solution: Path) -> list[int]:
    return [int(n) for n in re.findall(r"^check\.task_(\d+)\(", code_of(solution), re.MULTILINE)]


def check_of(solution: Path):
    module = f"workerlab.checks.ex{solution.stem}"
    assert f"from {module} import check\n" in f"{code_of(solution)}\n"
    return importlib.import_module(module).check


@every_solution
def test_the_exercise_is_what_its_solution_makes(solution):
    assert not differs(solution, ROOT / "exercises" / solution.name)


@every_solution
def test_it_belongs_to_a_lesson_and_its_tasks_are_those_of_its_package(solution):
    assert (ROOT / "lessons" / solution.name).exists()
    assert (
        check_of(solution).tasks
        == tasks_of(solution)
        == list(range(1, len(tasks_of(solution)) + 1))
    )
    assert len(tasks_of(solution)) <= 5
    assert check_of(solution).number == solution.stem[:2]


@every_solution
def test_every_task_has_three_hints_which_are_asked_for(solution):
    check = check_of(solution)
    for task in check.tasks:
        hints = check.task(task).HINTS
        assert len(hints) == 3
        assert hints[0].endswith("?"), "the first hint is a question"
        assert f"# check.hint({task})" in code_of(solution)
    assert not re.search(r"^check\.hint", code_of(solution), re.MULTILINE)


@every_solution
def test_untouched_it_is_not_attempted_and_solved_it_is_right(solution):
    tasks = len(tasks_of(solution))
    untouched = printed_by(ROOT / "exercises" / solution.name)
    solved = printed_by(solution)
    assert [untouched.count(f"{head}: ") for head in HEADS] == [tasks, 0, 0, 0]
    assert [solved.count(f"{head}: ") for head in HEADS] == [0, 0, tasks, 0]


def test_an_answer_becomes_a_blank():
    source = (
        "def f(n):\n    # solution: ...  # <- your answer\n    return n\n    # end\n    return 0"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    made = exercise_from(notebook, NAME).cells[0].source
    assert made == "def f(n):\n    ...  # <- your answer\n    return 0"


@pytest.mark.parametrize("source", ["# solution: ...\nx = 1", "x = 1\n# end", "x = 1"])
def test_an_answer_that_does_not_end_is_refused(source):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with pytest.raises(ValueError, match="answer"):
        exercise_from(notebook, NAME)


def test_interpretations_stay_with_the_solution():
    prose = nbformat.v4.new_markdown_cell("why", metadata={"tags": ["solution"]})
    code = nbformat.v4.new_code_cell("# solution: x = ...\nx = 1\n# end")
    made = exercise_from(nbformat.v4.new_notebook(cells=[code, prose]), NAME)
    assert [cell.source for cell in made.cells] == ["x = ..."]


def test_the_exercise_ends_with_a_link_to_its_solution():
    code = nbformat.v4.new_code_cell("# solution: x = ...\nx = 1\n# end")
    end = nbformat.v4.new_markdown_cell("**Next:** more", id="next")
    *_, last = exercise_from(nbformat.v4.new_notebook(cells=[code, end]), NAME).cells
    assert f"(../solutions/{NAME})" in last.source and last.source.endswith("\n\n**Next:** more")
