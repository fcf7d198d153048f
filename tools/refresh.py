"""Run notebooks and store their outputs: `python tools/refresh.py lessons/01_one_worker.ipynb ...`

Without names: all of lessons/, exercises/ and solutions/. A notebook is rewritten only when its
source differs from the last commit's or its outputs differ by more than tests/sanitize.cfg allows;
so a refresh leaves no noise in the history. `--force` rewrites in any case. The README's pictures
are taken from the lessons afterwards.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests.nbval_adapter import comparable  # noqa: E402
from tools import lesson_pictures  # noqa: E402


def run(path: Path) -> nbformat.NotebookNode:
    """The notebook with fresh outputs. Raises CellExecutionError where a cell fails unmeant."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def source_changed(path: Path, notebook: nbformat.NotebookNode) -> bool:
    """Whether the cells differ from those of the last commit."""
    name = path.relative_to(ROOT).as_posix()
    shown = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True)
    if shown.returncode != 0:
        return True
    committed = nbformat.reads(shown.stdout.decode(), as_version=4)
    return [c.source for c in committed.cells] != [c.source for c in notebook.cells]


def refresh(path: Path, force: bool) -> bool:
    """Run one notebook; rewrite it if that is called for, and say whether it was."""
    stored = nbformat.read(path, as_version=4)
    fresh = run(path)
    if force or source_changed(path, stored) or comparable(stored) != comparable(fresh):
        nbformat.write(fresh, path)
        return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--force", action="store_true")
    given = parser.parse_args()
    # The kernel behaves as it does under pytest, so that what is stored is what the tests see.
    os.environ["PYTEST_CURRENT_TEST"] = "refresh"
    paths = given.notebooks or sorted(
        p
        for folder in ("lessons", "exercises", "solutions")
        for p in ROOT.glob(f"{folder}/*.ipynb")
    )
    for path in paths:
        rewritten = refresh(path.resolve(), given.force)
        print(f"{path}: {'rewritten' if rewritten else 'unchanged'}", flush=True)
    lesson_pictures.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
