"""Writing the reader's files so that none is lost: whole or not at all, never over another."""

import itertools
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path


def write(path: Path, content: bytes, *, mode_of: Path | None = None) -> None:
    """Write the whole file or, if that fails, leave the old one; with the mode of another file."""
    # A file beside it and then a rename: a write that is cut off leaves no half a file.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as new:
        try:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
            if mode_of is not None:
                shutil.copymode(mode_of, new.name)
            os.replace(new.name, path)
        except BaseException:
            os.unlink(new.name)
            raise


def set_aside(path: Path) -> Path:
    """Rename a file to one with the date in its name, which it gives back.

    `01_one_worker.ipynb` becomes `01_one_worker.2026-11-22-143015.ipynb` or, if there is one,
    `01_one_worker.2026-11-22-143015-2.ipynb`.
    """
    for number in itertools.count(1):
        again = f"-{number}" if number > 1 else ""
        kept = path.with_name(f"{path.stem}.{datetime.now():%Y-%m-%d-%H%M%S}{again}{path.suffix}")
        try:
            # Creating it takes the name, so that no other process can take it meanwhile.
            kept.touch(exist_ok=False)
        except FileExistsError:
            continue
        try:
            os.replace(path, kept)
        except BaseException:
            kept.unlink()
            raise
        return kept
    raise AssertionError("itertools.count has an end")
