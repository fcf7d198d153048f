"""Environments for maintainers' tools, apart from the reader's .venv."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path


def make(folder: Path, pins: Path) -> str:
    """Have in `folder` an environment with what `pins`, a requirements file, lists.

    It is made anew only if the file has changed since. Two processes may call this at once: a lock
    beside the folder lets one of them make it. Returns why that failed, as a sentence, or nothing.
    """
    folder.parent.mkdir(exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "tools-stamp"
        if stamp.exists() and stamp.read_text() == pins.read_text():
            return ""
        shutil.rmtree(folder, ignore_errors=True)
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(folder / "bin/python"), "-m", "pip", "install", "-q", "-r", str(pins)],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                return f"the tools of {pins.name} could not be installed: {last}"
        stamp.write_text(pins.read_text())
    return ""
