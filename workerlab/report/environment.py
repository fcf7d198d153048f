"""What is installed in the reader's Python: asked in a process of its own, which imports no app."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

LIMIT = 20.0  # seconds
PACKAGES = ("uvicorn", "gunicorn", "uvicorn-worker", "fastapi", "starlette", "uvloop", "hypercorn")

ASK = """
import importlib.metadata as metadata, importlib.util, json, pathlib, sys
versions = {}
for name in json.loads(sys.argv[1]):
    try:
        versions[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
settings = []
if "gunicorn" in versions:
    try:
        from gunicorn.config import KNOWN_SETTINGS
        settings = [setting.name for setting in KNOWN_SETTINGS]
    except ImportError:
        pass  # starting it will say what is missing
print(json.dumps({"python": list(sys.version_info[:3]), "versions": versions,
                  "settings": settings}))
"""


class CannotRun(Exception):
    """Why there is no report: a sentence for the terminal, without a word of the app's own log.

    `log` is the end of that log, for the terminal only.
    """

    log = ""


@dataclass(frozen=True)
class Environment:
    """One Python: its program, its version, what is installed, the settings its Gunicorn knows."""

    python: Path
    version: str
    versions: dict[str, str]
    settings: list[str]

    def has(self, package: str) -> bool:
        return package in self.versions

    @property
    def folder(self) -> Path:
        """Where its commands are, such as `gunicorn`."""
        return self.python.parent


def look_at(python: Path) -> Environment:
    """Ask this Python. Raises CannotRun if it cannot be run, or is older than 3.9."""
    # Not resolved: the link in a virtual environment is what says that it is one.
    python = Path(os.path.abspath(python))
    command = [str(python), "-c", ASK, json.dumps(PACKAGES)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL
        )
        told = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        raise CannotRun(
            f"{python} could not be run as a Python. Give the one of your app's environment, such "
            "as --python .venv/bin/python."
        ) from None
    if tuple(told["python"]) < (3, 9):
        raise CannotRun(f"{python} is older than Python 3.9, which the report needs.")
    version = ".".join(map(str, told["python"]))
    return Environment(python, version, told["versions"], told["settings"])
