"""Make exercises/ from solutions/: `python tools/make_exercises.py [--check]`

A solution notebook is the one source. In it,
- a markdown cell with the tag `solution` interprets the result, and is left out of the exercise;
- the cell `next` has a link to the solution before it in the exercise;
- in a code cell, the lines from `# solution` to `# end` are the answer. Its first line is
  `# solution: BLANK`, and BLANK, with the same indentation, stands in the exercise instead.

`--check` writes nothing and fails when what is committed differs. The outputs of an exercise are
its own (see tools/refresh.py), so only cells and metadata are compared and written.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
ANSWER = re.compile(r"^( *)# solution: (.*)\n(?:.*\n)*?\1# end$", re.MULTILINE)

COMPARE = (
    "**Compare** your answers with [the solution](../solutions/{}). It says why they are right."
)


def exercise_from(solution: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """The exercise which belongs to the solution in the file `name`, without outputs.

    Raises ValueError where an answer is not closed, or there is none at all.
    """
    made = nbformat.v4.new_notebook(metadata=solution.metadata)
    made.nbformat_minor = solution.nbformat_minor
    blanks = 0
    for cell in solution.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown" and "solution" in tags:
            continue
        copy = nbformat.from_dict(cell)
        if cell.id == "next":
            copy["source"] = f"{COMPARE.format(name)}\n\n{cell.source}"
        if cell.cell_type == "code":
            copy["source"], count = ANSWER.subn(r"\1\2", cell.source)
            blanks += count
            if "# solution" in copy["source"] or "# end\n" in f"{copy['source']}\n":
                raise ValueError(f"cell {cell.id}: an answer which does not end")
            copy["outputs"], copy["execution_count"] = [], None
        made.cells.append(copy)
    if not blanks:
        raise ValueError("no cell holds an answer")
    return made


def cells_of(notebook: nbformat.NotebookNode) -> list[tuple]:
    return [(c.id, c.cell_type, c.source, dict(c.metadata)) for c in notebook.cells]


def differs(solution: Path, exercise: Path) -> bool:
    """Whether the exercise is not what its solution makes."""
    made = exercise_from(nbformat.read(solution, as_version=4), solution.name)
    if not exercise.exists():
        return True
    committed = nbformat.read(exercise, as_version=4)
    return cells_of(made) != cells_of(committed) or made.metadata != committed.metadata


def write(solution: Path, exercise: Path) -> None:
    """Write the exercise; cells whose source is unchanged keep the outputs they have."""
    made = exercise_from(nbformat.read(solution, as_version=4), solution.name)
    kept = {}
    if exercise.exists():
        kept = {c.id: c for c in nbformat.read(exercise, as_version=4).cells}
    for cell in made.cells:
        old = kept.get(cell.id)
        if cell.cell_type == "code" and old is not None and old.source == cell.source:
            cell["outputs"], cell["execution_count"] = old.outputs, old.execution_count
    exercise.parent.mkdir(exist_ok=True)
    nbformat.write(made, exercise)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    only_check = parser.parse_args().check
    status = 0
    for solution in sorted((ROOT / "solutions").glob("*.ipynb")):
        exercise = ROOT / "exercises" / solution.name
        if not differs(solution, exercise):
            continue
        if only_check:
            status = 1
            print(f"{exercise.name} is not what its solution makes")
        else:
            write(solution, exercise)
            print(f"{exercise.name} made; now run tools/refresh.py exercises/{exercise.name}")
    return status


if __name__ == "__main__":
    sys.exit(main())
