"""What the reader's gunicorn_conf.py sets, read without running it."""

import argparse
import ast
from pathlib import Path

from workerlab.report.addresses import server_of
from workerlab.report.environment import CannotRun
from workerlab.report.experiments.context import Context


def configured(context: Context) -> tuple[str, dict[str, object]]:
    """The file's name, and what it assigns. Raises CannotRun if the command has none."""
    command = context.reader.command or []
    if server_of(command) != "gunicorn":
        raise CannotRun("the command is no gunicorn; --command 'gunicorn ...' names yours")
    file = configuration_file(command)
    try:
        return file, assigned_in(context.reader.folder / file)
    except OSError:
        raise CannotRun(f"there is no {file}") from None
    except (SyntaxError, ValueError):
        raise CannotRun(f"{file} cannot be read") from None


def configuration_file(command: list[str]) -> str:
    """As Gunicorn finds it."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config", "-c", default="gunicorn.conf.py")
    try:
        given, _ = parser.parse_known_args(command[1:])
    except argparse.ArgumentError:
        return "gunicorn.conf.py"
    return given.config.removeprefix("file:")


def assigned_in(path: Path) -> dict[str, object]:
    """The names that the file assigns at its top level, with the value where it is written out.

    Those with an underscore at the beginning are the file's own business.
    """
    found: dict[str, object] = {}
    for statement in ast.parse(path.read_bytes()).body:
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        value = getattr(statement, "value", None)
        is_assignment = isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in targets if is_assignment else []:
            if isinstance(target, ast.Name) and not target.id.startswith("_"):
                found[target.id] = value.value if isinstance(value, ast.Constant) else None
    return found
