"""Why a server did not start, and what to do: the known causes, read from its log.

The messages are those of the pinned releases of Gunicorn and Uvicorn; a test starts each failure.
"""

import argparse
import ast
import difflib
import re
import shlex
from pathlib import Path

# The last line of a traceback.
EXCEPTION = r"(?:\w+\.)*\w+(?:Error|Exception)(?:: .*)?$"

PORT_TAKEN = r"Connection in use: \('[^']*', (\d+)\)|address already in use|Address already in use"

# A line of the log, and the sentence that helps. The first that matches is told.
CAUSES: list[tuple[str, str]] = [
    (
        r"(?:^|Error: )((?:WORKERS|THREADS) must be .*)",
        "An environment variable is wrong: {0}.",
    ),
    (
        PORT_TAKEN,
        "The port is taken by another program. Stop that one, or write {{port}} in the command: "
        "the kit then finds a free port.",
    ),
    (
        r"class uri '([^']*)' invalid or not found",
        "There is no worker class {0}. The current name is uvicorn_worker.UvicornWorker, from the "
        "package uvicorn-worker.",
    ),
    (
        r"Failed to find attribute '([^']*)' in '([^']*)'",
        "The module {1} has no attribute {0}. After the colon comes the name of the FastAPI "
        "object, usually app.",
    ),
    (
        r'Attribute "([^"]*)" not found in module "([^"]*)"',
        "The module {1} has no attribute {0}. After the colon comes the name of the FastAPI "
        "object, usually app.",
    ),
    (
        r"No module named '([^']*)'|Could not import module \"([^\"]*)\"",
        "Python cannot import {0}. Is it spelled right, does the server start in the folder that "
        "holds it, or is a package missing from this environment?",
    ),
    (
        r"Application startup failed|ASGI lifespan startup failed",
        "The start-up part of the app's lifespan raised an exception; the log says which.",
    ),
    (
        r"Invalid value for (\w+): (.*)",
        "The setting {0} does not accept this value: {1}",
    ),
    (
        r"(?:error: unrecognized arguments|Error: No such option):? (.*)",
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
        rf"Failed to read config file: (.+)(?:\n.*?)*\n({EXCEPTION})",
        "The configuration file {0} cannot be read: {1}",
    ),
    (
        rf"^({EXCEPTION})",
        "The app cannot be loaded: {0}",
    ),
    (
        r"Child process \[\d+\] died",
        "Uvicorn kills a worker that does not answer its ping in time (within 5 s, unless told "
        "otherwise), even while it imports the app. What takes it so long? Give it more time: "
        "--timeout-worker-healthcheck 60",
    ),
]

# What is written by a server that will not answer any more, but may not end either.
FAILED = re.compile(
    r"Connection in use|^Process SpawnProcess|Error loading ASGI app|[Ss]tartup failed",
    re.MULTILINE,
)
LOST_CHILD = re.compile(r"Child process \[\d+\] (?:died|failed)")
CHILD_STARTED = "Started server process"
# In the text of a ServerDidNotStart the log comes last, after these words and indented.
LOG_ENDS = "The log ends:\n"
INDENT = "    "
LISTENING = re.compile(r"Listening at: |running on http|listening on http")


class ServerDidNotStart(Exception):
    """The server ended, or reported a fatal error, before it answered its first request."""


class PortTaken(ServerDidNotStart):
    """Another program listens at the port."""


def log_in(report: str) -> str:
    """The end of the server's log, as the text of a ServerDidNotStart has it."""
    lines = report.partition(LOG_ENDS)[2].splitlines()
    return "\n".join(line.removeprefix(INDENT) for line in lines)


def has_failed(log: str) -> bool:
    """Whether the log says that this server will not come up, be it still there or not."""
    return FAILED.search(log) is not None


def has_lost_a_child(log: str) -> bool:
    """Whether a child of `uvicorn --workers` has ended, and none has started since."""
    *_, end = LOST_CHILD.split(log)
    return LOST_CHILD.search(log) is not None and CHILD_STARTED not in end


def is_port_taken(log: str) -> bool:
    """Whether the log says that another program listens at the port."""
    return re.search(PORT_TAKEN, log) is not None


def is_listening(log: str) -> bool:
    """Whether the log says that this server listens, wherever that is."""
    return LISTENING.search(log) is not None


def cause(log: str) -> str | None:
    """The sentence for the first known cause in the log; None if there is none."""
    for pattern, sentence in CAUSES:
        match = re.search(pattern, log, re.MULTILINE)
        if match:
            # Alternatives leave empty groups.
            return sentence.format(*[group for group in match.groups() if group is not None])
    return None


def misspelt_settings(command: str, folder: Path) -> str | None:
    """A sentence on names in the command's configuration file that Gunicorn does not know.

    Gunicorn silently ignores them. A name that resembles no setting is the file's own
    business, and so are names with a leading underscore, imports, functions and classes.
    """
    path = folder / configuration_file(command)
    try:
        statements = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return None
    from gunicorn.config import KNOWN_SETTINGS

    known = [setting.name for setting in KNOWN_SETTINGS]
    assigned = []
    for statement in statements:
        if isinstance(statement, ast.Assign):
            assigned += statement.targets
        elif isinstance(statement, ast.AnnAssign):
            assigned.append(statement.target)
    for name in [target.id for target in assigned if isinstance(target, ast.Name)]:
        if name in known or name.startswith("_"):
            continue
        if close := difflib.get_close_matches(name, known, 1, 0.8):
            return f"Gunicorn has no setting {name} and ignores it. Did you mean {close[0]}?"
    return None


def configuration_file(command: str) -> str:
    """The configuration file of a Gunicorn command line, as Gunicorn finds it."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config", "-c", default="gunicorn.conf.py")
    try:
        given, _ = parser.parse_known_args(shlex.split(command)[1:])
    except argparse.ArgumentError:
        return "gunicorn.conf.py"
    return given.config.removeprefix("file:")
