"""How Gunicorn reads a configuration file or a command: what `--print-config` prints of it.

It reads in a process of its own and prints every setting. It also loads the app, for which it gets
something harmless here.
"""

import ast
import itertools
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workerlab import ROOT
from workerlab.checks.command import environment_of
from workerlab.checks.runner import Ended, run
from workerlab.server.commands import SETTINGS, is_loopback

FILE = "gunicorn_conf.py"
READ_LIMIT = 3.0  # seconds for Gunicorn to read a file
_SETTING = re.compile(r"^(\w+) += (.*)$", re.MULTILINE)
# Python would warn of others as it tries to read them, such as a path with `-7f` in it.
_LITERAL = re.compile(r"None|True|False|-?\d+(?:\.\d+)?|[\[({].*")


@dataclass(frozen=True)
class Reading:
    """How Gunicorn read a file: the settings by name, or None where it ended instead.

    `exit_code` is None where it did not come to an end; `output` is what it printed then.
    """

    settings: dict[str, Any] | None
    exit_code: int | None
    output: str


def read(folder: Path, env: Mapping[str, str | None] | None = None) -> Reading:
    """How Gunicorn reads the file in this folder. `env` adds variables, or takes None away."""
    return _read(["gunicorn", "-c", FILE, "json:dumps"], folder, env or {})


def read_command(command: str) -> Reading:
    """How Gunicorn reads a command line, with the variables that the command sets. It also loads
    the app that the command names, and ends with an exit code other than 0 where it cannot."""
    words = shlex.split(command.replace("{port}", "8000"))
    program = itertools.dropwhile(lambda word: word == "env" or "=" in word, words)
    return _read(list(program), ROOT, environment_of(words))


def _read(words: Sequence[str], folder: Path, env: Mapping[str, str | None]) -> Reading:
    ours = {name: None for name in os.environ if SETTINGS.fullmatch(name)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    program = shutil.which(words[0], path=path) or words[0]
    argv = [program, *words[1:], "--print-config"]
    ended = run(argv, cwd=folder, env={**ours, **env}, limit=READ_LIMIT)
    output = ended.output.replace(f"{folder}/", "")
    return Reading(_settings(ended), ended.exit_code, output)


def _settings(ended: Ended) -> dict[str, Any] | None:
    if ended.exit_code != 0:
        return None
    return {name: _value(text) for name, text in _SETTING.findall(ended.output)} or None


def _value(text: str) -> Any:
    """A printed value as Python has it: a number, a list, None; a string as it is."""
    if not _LITERAL.fullmatch(text):
        return text
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def is_loopback_bind(bind: list[str] | str) -> bool:
    """Whether all addresses of the setting `bind` are this machine's own."""
    for address in bind if isinstance(bind, list) else [bind]:
        if not address.startswith(("unix:", "fd://")):
            host = address.removeprefix("tcp://").rpartition(":")[0] or address
            if not (is_loopback(host) or host == "[::1]"):
                return False
    return True
