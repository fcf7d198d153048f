"""Reading notebook files: their cells, title and tasks."""

import hashlib
import json
import re
from pathlib import Path

NAME = re.compile(r"\d\d_\w+")
TASK = re.compile(r"\bcheck\.task_(\d+)\(")


class NotANotebook(ValueError):
    """The file does not hold a notebook."""


def find(folder: Path) -> list[Path]:
    """The notebooks of a folder, in order; JupyterLab's copies and what was set aside are none."""
    return [path for path in sorted(folder.glob("*.ipynb")) if NAME.fullmatch(path.stem)]


def load(path: Path) -> dict:
    """The notebook with the source of each cell as one text. Raises NotANotebook, OSError."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"])
            if cell["cell_type"] == "code":
                cell["execution_count"], cell["outputs"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise NotANotebook(f"{path} is not a notebook") from error
    return notebook


def code(notebook: dict) -> list[dict]:
    """The code cells. The empty one that JupyterLab adds when the last is run does not count."""
    cells = notebook["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and cell["source"].strip()]


def title(notebook: dict) -> str:
    """The first heading without what numbers it: `One worker` of `# Exercise 01 · One worker`."""
    for cell in notebook["cells"]:
        for line in cell["source"].splitlines():
            if cell["cell_type"] == "markdown" and line.startswith("# "):
                return line[2:].partition(" · ")[2].strip() or line[2:].strip()
    return ""


def tasks(notebook: dict) -> list[int]:
    """The numbers of the tasks that the notebook checks, in order."""
    return sorted({task for cell in code(notebook) for task in tasks_in(cell["source"])})


def tasks_in(source: str) -> list[int]:
    """The tasks that a cell checks, in order."""
    # Not by the syntax tree: a cell with a magic, or with an error, has none.
    lines = [line for line in source.splitlines() if not line.lstrip().startswith("#")]
    return [int(number) for line in lines for number in TASK.findall(line)]


def is_run(notebook: dict) -> bool:
    """Whether a cell of it has been run, as far as it is saved."""
    return any(cell["execution_count"] is not None or cell["outputs"] for cell in code(notebook))


def fingerprint(path: Path) -> str:
    """The same for two files that differ in nothing that a person writes.

    Of a notebook these are the cells' sources; of any other file, all of it.
    """
    content = path.read_bytes()
    if path.suffix == ".ipynb":
        try:
            cells = load(path)["cells"]
        except NotANotebook:
            pass
        else:
            sources = [[cell["cell_type"], cell["source"]] for cell in cells if cell["source"]]
            content = json.dumps(sources).encode()
    return hashlib.sha256(content).hexdigest()
