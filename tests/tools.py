"""`.venv-tools`: what checks deploy/ and drives a browser, in an environment of its own.

The tools are made from tools/requirements.txt when a test first needs one. The reader's .venv has
none of them, and nothing of a test's result depends on what else is installed.
"""

import functools
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import environment
from workerlab import ROOT

FOLDER = ROOT / ".venv-tools"
PINS = ROOT / "tools/requirements.txt"


def tool(name: str) -> str:
    """The command `name` of .venv-tools. Skips the test if the package index can't be reached."""
    sentence = why_there_are_none()
    if sentence:
        pytest.skip(sentence)
    return str(FOLDER / "bin" / name)


@functools.cache
def why_there_are_none() -> str:
    """Make .venv-tools, unless it is there; why that failed, as a sentence, or nothing."""
    return environment.make(FOLDER, PINS)


def system_command(name: str) -> str:
    """A command that only the system's package manager installs. Skips the test without it."""
    found = shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin") or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path, timeout: float = 120, **options) -> str:
    """Run a tool to its end; what it printed. Fails the test if its exit status is not 0."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        **options,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
