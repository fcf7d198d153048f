"""Why a server did not start, and what to do: the known causes, read from its log.

The messages are those of the pinned releases of Gunicorn and Uvicorn; a test starts each failure.
"""

import ast
import difflib
import re
import shlex
from pathlib import Path

# A line of the log, and the sentence that helps. The first that matches is told.
CAUSES: list[tuple[str, str]] = [
    (
        r"Connection in use: \('[^']*', (\d+)\)|address already in use|Address already in use",
        "The port is taken by another program. Stop that one, or write {{port}} in the command: "
        "the kit then finds a free port.",
    ),
    (
        r"class uri '([^']*)' invalid or not found",
        "There is no worker class {0}. Today's name is uvicorn_worker.UvicornWorker, from the "
        "package uvicorn-worker.",
    ),
    (
        r"Failed to find attribute '([^']*)' in '([^']*)'",
        "The module {1} has no attribute {0}. After the colon stands the name of the FastAPI "
        "object, mostly app.",
    ),
    (
        r'Attribute "([^"]*)" not found in module "([^"]*)"',
        "The module {1} has no attribute {0}. After the colon stands the name of the FastAPI "
        "object, mostly app.",
    ),
    (
        r"No module named '([^']*)'|Could not import module \"([^\"]*)\"",
        "Python cannot import {0}. Is it spelt right, does the server start in the folder that "
        "holds it, or is a package missing from this environment?",
    ),
    (
        r"Application startup failed",
        "The start-up part of the app's lifespan raised an exception; the log above it says which.",
    ),
    (
        r"Invalid value for (\w+): (.*)",
        "The setting {0} does not take this value: {1}",
    ),
    (
        r"(?:error: unrecognized arguments|Error: No such option): ?(.*)",
        "This server has no such option: {0}",
    ),
    (
        r"Error: Invalid value for (.*)",
        "The command line is wrong: {0}",
    ),
    (
        r"error: (argument .*)",
        "The command line is wrong: {0}",
    ),
    (
        r"'([^']*)' doesn't exist",
        "There is no configuration file {0}. A relative path starts from the server's folder.",
    ),
    (
        r"Failed to read config file: (.*)",
        "The configuration file {0} raised an exception; the log below it says which.",
    ),
    (
        r"((?:Import|Syntax|Indentation|Name)Error): (.*)",
        "The code could not be imported: {0}: {1}",
    ),
]


class ServerDidNotStart(Exception):
    """The server ended, or reported a fatal error, before it answered its first request."""


def cause(log: str) -> str | None:
    """The sentence for the first known cause in the log; None if there is none."""
    for pattern, sentence in CAUSES:
        match = re.search(pattern, log)
        if match:
            # Alternatives leave empty groups.
            return sentence.format(*[group for group in match.groups() if group is not None])
    return None


def misspelt_settings(command: str, folder: Path) -> str | None:
    """A sentence on names in the command's configuration file which Gunicorn does not know.

    Gunicorn ignores them without a word. Names with a leading underscore, imports, functions and
    classes that resemble no setting are the file's own business.
    """
    match = re.search(r"(?:-c|--config)[ =](?:file:)?(\S+)", command)
    path = folder / shlex.split(match[1])[0] if match else None
    if path is None or not path.is_file():
        return None
    from gunicorn.config import KNOWN_SETTINGS

    known = [setting.name for setting in KNOWN_SETTINGS]
    try:
        statements = ast.parse(path.read_text()).body
    except SyntaxError:
        return None
    for statement in statements:
        for target in getattr(statement, "targets", []):
            name = getattr(target, "id", "_")
            if name not in known and (close := difflib.get_close_matches(name, known, 1, 0.8)):
                return f"Gunicorn has no setting {name} and ignores it. Is {close[0]} meant?"
    return None
