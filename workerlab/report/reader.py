"""What the reader typed: checked, before anything is started."""

import argparse
import os
import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from workerlab.report import endpoints
from workerlab.report.addresses import without_values, words_of
from workerlab.report.client import Call
from workerlab.report.environment import CannotRun, Environment, look_at
from workerlab.report.options import OUTPUT


@dataclass
class Reader:
    """What the reader named: the app or a whole command, its folder, environment and variables."""

    environment: Environment
    folder: Path
    target: str | None = None  # `package.module:app`
    command: list[str] | None = None  # its words; instead of `target`
    variables: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For a page: the app, or the command without the values of variables in it."""
        return self.target or shlex.join(without_values(self.command or []))

    def words(self, *options: str, server: str = "") -> list[str]:
        """The command that serves the app, without an address; `options` win over its own.

        `server` replaces the program: `uvicorn` or `gunicorn`. Raises CannotRun if the app is
        known by a command only.
        """
        python = str(self.environment.python)
        if self.command is not None and not server:
            return [*self.command, *options]
        if self.target is None:
            raise CannotRun("the app is known by its command only: name it as well")
        return [python, "-m", server or "uvicorn", self.target, *options]


def reader_of(options: argparse.Namespace) -> tuple[Reader, list[Call]]:
    """The app and what to ask, from the options. Raises CannotRun for what makes no sense."""
    if not options.app and not options.command:
        raise CannotRun("Which app? ./learn report my_app.main:app, or --command '...'")
    if options.app and not re.fullmatch(r"[\w.]+(?::.+)?", options.app):
        raise CannotRun(f"{options.app!r} is no app: name it as for Uvicorn, my_app.main:app")
    folder = options.dir.expanduser()
    if not folder.is_dir():
        raise CannotRun(f"There is no folder {folder}.")
    try:
        command = words_of(options.command) if options.command else None
        calls = [endpoints.call_of(text) for text in options.path]
        headers = dict(header_of(text) for text in options.header)
        variables = read_variables(options.env_file) if options.env_file else {}
    except ValueError as error:
        raise CannotRun(f"{error}") from None
    target = options.app if not options.app or ":" in options.app else f"{options.app}:app"
    python = (options.python or Path(sys.executable)).expanduser()
    environment = look_at(python)
    output = (options.output or Path(OUTPUT)).absolute().parent
    if not output.is_dir() or not os.access(output, os.W_OK):
        raise CannotRun(f"The page could not be written: {output} is not a folder to write to.")
    return Reader(environment, folder.absolute(), target, command, variables, headers), calls


def header_of(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(r"[\w-]+", name.strip(), re.ASCII) or not text.isprintable():
        raise ValueError("a header is NAME:VALUE, as in --header 'Authorization: Bearer ...'")
    if not text.isascii():
        raise ValueError(f"the value of the header {name.strip()} is not ASCII")
    return name.strip(), value.strip()


def read_variables(path: Path) -> dict[str, str]:
    """NAME=VALUE a line; comments, `export` and quotation marks are understood."""
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{path} cannot be read.") from None
    variables = {}
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{path}, line {number}, is not NAME=VALUE.")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        variables[name.strip()] = value
    return variables
