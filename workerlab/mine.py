"""The reader's own copy of the lessons and exercises, in mine/, which git ignores."""

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("lessons", "exercises")
LINKED = ("README.md", "docs")


def extend(root: Path = ROOT) -> list[Path]:
    """Copy to mine/ what is not there yet, and give back the new files; nothing is overwritten.

    Notebooks come without their stored outputs: the reader predicts before the answer is in sight.
    Exits with a sentence where mine/ cannot be written.
    """
    for folder in (root / "mine", *(root / "mine" / name for name in COPIED)):
        if os.path.lexists(folder) and not folder.is_dir():
            sys.exit(f"learn: {folder} is to hold your copy of the lessons; move that file away.")
    new = []
    try:
        for source in _originals(root):
            target = root / "mine" / source.relative_to(root)
            if not os.path.lexists(target) and _copy(source, target):
                new.append(target)
    except OSError as error:
        sys.exit(f"learn: your copy of the lessons cannot be written: {error}")
    _link(root)
    return new


def next_notebook(root: Path = ROOT) -> Path | None:
    """The first lesson in mine/ that is not finished; after the last one, the first exercise."""
    lessons = sorted((root / "mine/lessons").glob("*.ipynb"))
    exercises = sorted((root / "mine/exercises").glob("*.ipynb"))
    for lesson in lessons:
        if not is_finished(lesson):
            return lesson
    return next(iter(exercises + lessons), None)


def is_finished(notebook: Path) -> bool:
    """Whether the notebook's last code cell has been run, as far as it is saved.

    JupyterLab adds an empty cell when the last one is run; it does not count.
    """
    try:
        cells = [cell for cell in _load(notebook)["cells"] if cell["cell_type"] == "code"]
        run = [cell["execution_count"] for cell in cells if "".join(cell["source"]).strip()]
    except (ValueError, KeyError, TypeError):
        place = notebook.relative_to(notebook.parents[2])
        print(f"learn: {place} is not a notebook any more; it is left as it is.", file=sys.stderr)
        return False
    return bool(run) and run[-1] is not None


def _link(root: Path) -> None:
    """Make ../docs/glossary.md and the like, as the lessons write it, lead from mine/ as well."""
    for name in LINKED:
        # Not every file system has symbolic links, and the lessons do without.
        with contextlib.suppress(OSError):
            (root / "mine" / name).symlink_to(Path("..", name))


def _originals(root: Path) -> Iterator[Path]:
    for folder in COPIED:
        for path in sorted((root / folder).rglob("*")):
            names = path.relative_to(root).parts
            if path.is_file() and not any(n.startswith((".", "__pycache__")) for n in names):
                yield path


def _copy(source: Path, target: Path) -> bool:
    content = source.read_bytes()
    if source.suffix == ".ipynb":
        try:
            content = _without_outputs(_load(source)).encode()
        except (ValueError, KeyError, TypeError):
            print(f"learn: {source} is not a notebook; it is not copied.", file=sys.stderr)
            return False
    target.parent.mkdir(parents=True, exist_ok=True)
    # A file beside the target and then a rename: a copy that is cut off is no half a notebook.
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            shutil.copymode(source, file.name)
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise
    return True


def _load(notebook: Path) -> dict:
    return json.loads(notebook.read_text(encoding="utf-8"))


def _without_outputs(notebook: dict) -> str:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
