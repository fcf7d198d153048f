"""Which tasks the reader has done: one small file in mine/, shared by notebooks and ./learn."""

import contextlib
import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from workerlab import ROOT
from workerlab.course import files, notebooks

PATIENCE = 5.0  # seconds to wait for another process that is writing
DONE, OPEN = "✔", "·"
PLAIN_DONE, PLAIN_OPEN = "x", "-"
FORM = re.compile(r"^FORM = (\d+)$", re.MULTILINE)

# Kept from the start, since a notebook may change its folder later.
try:
    STARTED_IN = Path.cwd()
except FileNotFoundError:  # it has been deleted
    STARTED_IN = Path("/")

Done = dict[str, dict[str, str]]  # exercise "01" -> `key` of a task -> when it was first right


def is_reader_here(root: Path = ROOT) -> bool:
    """Whether this process works in mine/: what the tests or a look at the solutions do is none of
    the reader's progress."""
    here = STARTED_IN.resolve().is_relative_to((root / "mine").resolve())
    return here and not os.environ.get("PYTEST_CURRENT_TEST")


def load(root: Path = ROOT) -> Done:
    """The tasks done so far. A damaged file is set aside, with a word on standard error."""
    try:
        return _read(root)
    except ValueError:
        pass
    except OSError as error:
        _say(f"The file with your progress cannot be read: {error}")
        return {}
    try:
        with _lock(root):
            return _read_or_set_aside(root)
    except OSError as error:
        _say(f"The file with your progress is damaged and cannot be set aside: {error}")
        return {}


def record(exercise: str, task: int, root: Path = ROOT) -> None:
    """Note that a task is done, if it was not before; never raises, for a notebook calls it."""
    try:
        with _lock(root):
            done = _read_or_set_aside(root)
            name = key(exercise, task, root)
            if name in done.get(exercise, {}):
                return
            done.setdefault(exercise, {})[name] = datetime.now().isoformat(timespec="seconds")
            text = json.dumps(done, indent=1, sort_keys=True) + "\n"
            files.write(file(root), text.encode())
    except OSError as error:
        _say(f"Your progress could not be saved: {error}")


def key(exercise: str, task: int, root: Path = ROOT) -> str:
    """Under what a task is recorded: its number and, where it has been asked anew, its form.

    What was recorded for an earlier form does not count for the new one. The form is read from the
    check's source, since importing all checks would take longer than showing the progress.
    """
    for path in root.glob(f"workerlab/checks/ex{exercise}_*/task_{task}_*.py"):
        if form := FORM.search(path.read_text(encoding="utf-8")):
            return f"{task}.{form[1]}"
    return str(task)


def file(root: Path = ROOT) -> Path:
    return root / "mine/progress.json"


def is_finished(exercise: Path, root: Path = ROOT) -> bool:
    """Whether all tasks of an exercise notebook are done."""
    number = exercise.name[:2]
    done = load(root).get(number, {})
    tasks = notebooks.tasks(notebooks.load(exercise))
    return all(key(number, task, root) in done for task in tasks)


def show(root: Path = ROOT) -> int:
    """Print a line for each exercise, and the sum."""
    done = load(root)
    done_sign, open_sign = signs(sys.stdout.encoding)
    rows, count, of = [], 0, 0
    for path in notebooks.find(root / "exercises"):
        try:
            notebook = notebooks.load(path)
        except (notebooks.NotANotebook, OSError):
            place = path.relative_to(root)
            print(f"learn: {place} cannot be read as a notebook; it is left out.", file=sys.stderr)
            continue
        number, tasks = path.name[:2], notebooks.tasks(notebook)
        dates = [done.get(number, {}).get(key(number, task, root)) for task in tasks]
        marks = " ".join(done_sign if date else open_sign for date in dates)
        last = max((date[:10] for date in dates if date), default="")
        rows.append((number, notebooks.title(notebook), marks, last))
        count, of = count + len(list(filter(None, dates))), of + len(tasks)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    print(f"{count} of {of} tasks done ({done_sign} done, {open_sign} open)")
    return 0


def signs(encoding: str | None) -> tuple[str, str]:
    """The signs for done and for open that can be told apart in this encoding."""
    try:
        (DONE + OPEN).encode(encoding or "ascii")
    except UnicodeEncodeError:
        return PLAIN_DONE, PLAIN_OPEN
    return DONE, OPEN


def _read(root: Path) -> Done:
    """What the file holds. Raises ValueError if that is no progress."""
    try:
        done = json.loads(file(root).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not _is_valid(done):
        raise ValueError("not the form of a progress file")
    return done


def _read_or_set_aside(root: Path) -> Done:
    # To be called under the lock: the file might otherwise be a new one, by another process.
    try:
        return _read(root)
    except ValueError:
        kept = files.set_aside(file(root))
    _say(
        f"The file with your progress was damaged. It is kept as mine/{kept.name}; "
        "run the checks again to fill a new one: ./learn check"
    )
    return {}


def _is_valid(done: object) -> bool:
    return isinstance(done, dict) and all(
        isinstance(tasks, dict) and all(isinstance(when, str) for when in tasks.values())
        for tasks in done.values()
    )


@contextlib.contextmanager
def _lock(root: Path) -> Iterator[None]:
    # Two notebooks may finish a task at the same moment.
    with open(root / "mine/.progress.lock", "a") as lock:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            except OSError:
                break  # a file system without locks
        yield


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
