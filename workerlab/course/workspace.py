"""The reader's own copy of the lessons and exercises, in mine/, which git ignores."""

import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workerlab import ROOT
from workerlab.course import files, notebooks, progress
from workerlab.course.notebooks import NotANotebook
from workerlab.status import status

COPIED = ("lessons", "exercises")
LINKED = (
    "README.md",
    "solutions",
    "docs",
    "app",
    "deploy",
    "workerlab",
    "tests",
    "requirements.txt",
    "constraints.txt",
    "LICENSE",
)
# What each file was when it was copied, by which a change of the reader's is known:
# "lessons/00_start_here.ipynb" -> notebooks.fingerprint.
RECORD = "mine/.originals.json"


@dataclass
class Changes:
    """What `bring_up_to_date` did; paths in mine/."""

    new: list[Path] = field(default_factory=list)
    renewed: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)  # copies that were run, set aside
    left_alone: list[Path] = field(default_factory=list)


def extend(root: Path = ROOT) -> list[Path]:
    """Copy to mine/ what is not there yet, and give back the new files; nothing is overwritten.

    Notebooks come without their stored outputs: the reader predicts before the answer is in sight.
    Exits with a sentence where mine/ cannot be written.
    """
    with status("copying the lessons to mine/"):
        return _bring(root, renew=False).new


def bring_up_to_date(root: Path = ROOT) -> Changes:
    """Copy what is new, and renew what the reader has not changed since it was copied.

    A copy that was only run is unchanged; the run one is kept beside the new one.
    """
    with status("updating mine/"):
        return _bring(root, renew=True)


def next_notebook(root: Path = ROOT) -> Path | None:
    """The first notebook in mine/ that is not finished, or else the first; after each lesson comes
    its exercise.

    A lesson is finished when its last code cell has been run, an exercise when its tasks are done.
    """
    lessons = notebooks.find(root / "mine/lessons")
    exercises = notebooks.find(root / "mine/exercises")
    # Sorting keeps the order of equals: a lesson stays before its exercise.
    in_order = sorted(lessons + exercises, key=lambda path: path.name[:2])
    for notebook in in_order:
        if not is_finished(notebook, root):
            return notebook
    return next(iter(in_order), None)


def is_finished(notebook: Path, root: Path = ROOT) -> bool:
    """Whether the reader is done with a lesson or an exercise in mine/, as far as it is saved."""
    try:
        if notebook.parent.name == "exercises":
            original = root / "exercises" / notebook.name
            return progress.is_finished(original if original.exists() else notebook, root)
        cells = notebooks.code(notebooks.load(notebook))
    except (NotANotebook, OSError):
        place = notebook.relative_to(notebook.parents[2])
        print(f"learn: {place} is no longer a notebook; it is left as it is.", file=sys.stderr)
        return False
    return bool(cells) and cells[-1]["execution_count"] is not None


def reset(name: str, root: Path = ROOT) -> int:
    """Put a clean copy of a notebook in mine/ and keep the old one beside it; the exit status.

    `name` is the number or the name of an exercise, as `01`, or `lessons/01` for a lesson.
    """
    folder, found = find(name, root)
    if found is None:
        there = ", ".join(path.stem for path in notebooks.find(root / folder)) or "none yet"
        also = "; for a lesson, write lessons/01" if folder == "exercises" else ""
        print(
            f"learn: there is no {name!r} in {folder}/; there are: {there}{also}", file=sys.stderr
        )
        return 2
    target, kept = root / "mine" / folder / found.name, None
    try:
        content = _clean(found)  # before anything is moved: it may not be a notebook
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            kept = files.set_aside(target)
        _write(content, found, target)
        record = _read_record(root)
        record[_name(found, root)] = notebooks.fingerprint(found)
        _write_record(record, root)
    except NotANotebook as error:
        sys.exit(f"learn: {error}; nothing was changed.")
    except OSError as error:
        where = f"; yours is kept as {kept.relative_to(root)}" if kept else ""
        sys.exit(f"learn: the clean copy cannot be written: {error}{where}")
    print(f"{target.relative_to(root)} is a clean copy.")
    if kept is not None:
        print(f"Yours is kept as {kept.relative_to(root)}, and your progress stays.")
        print("If it is open in JupyterLab: File, Reload Notebook from Disk.")
    return 0


def find(name: str, root: Path = ROOT, *, below: str = "") -> tuple[str, Path | None]:
    """The folder that a name means, and the notebook in it, if there is one.

    Understood are `1`, `01`, `01_one_worker`, `lessons/01` and the path of a file.
    """
    path = Path(name)
    folder = "lessons" if path.parent.name == "lessons" else "exercises"
    stem = path.name.removesuffix(".ipynb")
    number = f"{int(stem):02}" if stem.isdecimal() else None
    for notebook in notebooks.find(root / below / folder):
        if notebook.stem == stem or notebook.name[:2] == number:
            return folder, notebook
    return folder, None


def tell_what_hides_modules(root: Path = ROOT) -> None:
    """Name each file in mine/ that notebooks would import instead of the module they want."""
    for path in hiding_modules(root):
        place = path.relative_to(root)
        print(
            f"learn: {place} hides the module {path.stem} from the notebooks beside it; "
            "give it a different name.",
            file=sys.stderr,
        )


def hiding_modules(root: Path = ROOT) -> list[Path]:
    """What of the reader's has the name of a module that a notebook may need.

    A notebook looks for modules in its own folder first.
    """
    found = []
    for folder in (root / "mine" / name for name in COPIED):
        modules = [*folder.glob("*.py"), *(path.parent for path in folder.glob("*/__init__.py"))]
        found += [path for path in sorted(modules) if _is_module_elsewhere(path.stem)]
    return found


def _is_module_elsewhere(name: str) -> bool:
    # Python's own `test` is imported by nobody, and a good name for a file. `__main__` is whatever
    # was started.
    if not name.isidentifier() or name in ("test", "__main__"):
        return False
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # __main__
        return False


def _bring(root: Path, *, renew: bool) -> Changes:
    for folder in (root / "mine", *(root / "mine" / name for name in COPIED)):
        if os.path.lexists(folder) and not folder.is_dir():
            sys.exit(f"learn: {folder} has to be a folder for your copies; move that file away.")
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            is_yours = folder.stat().st_uid == os.geteuid()
            command = "chmod -R u+rwX" if is_yours else "sudo chown -R $USER"
            sys.exit(
                f"learn: {folder} cannot be written, so nothing you do there would be saved; "
                f"to fix that: {command} '{root / 'mine'}'"
            )
    changes, record = Changes(), _read_record(root)
    before = dict(record)
    try:
        for source in _originals(root):
            target, name = root / "mine" / source.relative_to(root), _name(source, root)
            now = notebooks.fingerprint(source)
            if not os.path.lexists(target):
                if (content := _clean_or_say(source)) is not None:
                    _write(content, source, target)
                    record[name] = now
                    changes.new.append(target)
                continue
            if not target.is_file():
                continue
            yours = notebooks.fingerprint(target)
            if yours == now:
                record[name] = now
            elif renew and yours == before.get(name):
                if (content := _clean_or_say(source)) is not None:
                    if target.suffix == ".ipynb" and notebooks.is_run(notebooks.load(target)):
                        changes.kept.append(files.set_aside(target))
                    _write(content, source, target)
                    record[name] = now
                    changes.renewed.append(target)
            elif now != before.get(name):
                changes.left_alone.append(target)
        if record != before:
            _write_record(record, root)
    except OSError as error:
        sys.exit(f"learn: your copy of the lessons cannot be written: {error}")
    _link(root)
    return changes


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


def _name(source: Path, root: Path) -> str:
    return source.relative_to(root).as_posix()


def _clean_or_say(source: Path) -> bytes | None:
    try:
        return _clean(source)
    except NotANotebook as error:
        print(f"learn: {error}; it is not copied.", file=sys.stderr)
        return None


def _write(content: bytes, source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    files.write(target, content, mode_of=source)


def _clean(source: Path) -> bytes:
    """The content of a file; of a notebook without its outputs. Raises NotANotebook."""
    content = source.read_bytes()
    if source.suffix != ".ipynb":
        return content
    notebooks.load(source)
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()


def _read_record(root: Path) -> dict[str, str]:
    # Without a record, or with a damaged one, every copy counts as changed and is left alone.
    try:
        record = json.loads((root / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(record: dict[str, str], root: Path) -> None:
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    files.write(root / RECORD, text.encode())
