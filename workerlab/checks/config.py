"""A reader's configuration file: written down, served with, and what may be wrong with it."""

import ast
import difflib
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gunicorn.config import KNOWN_SETTINGS

from workerlab.checks.command import open_to_the_network, served
from workerlab.checks.print_config import FILE, Reading, is_loopback_bind, read
from workerlab.checks.verdicts import Refused, Verdict, wrong
from workerlab.server import Server

COMMAND = f"gunicorn app.main:app -c {FILE}"
KNOWN = [setting.name for setting in KNOWN_SETTINGS]
UVICORN_WORKER = r"uvicorn_worker\.(_workers\.)?UvicornWorker"
# Of a class that the file defines or imports, `--print-config` gives the bare name, in <>.
OF_THE_FILE = ("gunicorn_conf.", "__config__.", "<")
# Worker classes that the lessons do not use, as `--print-config` names them: the misconception, a
# sentence, a question.
WORKER_CLASSES: list[tuple[str, str, str, str]] = [
    (
        r"uvicorn\.workers\..*",
        "deprecated-class",
        "This class still works, but its module is deprecated.",
        "Which package has the worker moved to?",
    ),
    (
        r"sync|<SyncWorker\(\)>",
        "sync-worker",
        "This is Gunicorn's default worker. It speaks WSGI, and FastAPI is an ASGI app.",
        "Which option runs a Uvicorn inside each worker?",
    ),
    (
        r"gthread|<ThreadWorker\(\)>",
        "threads-worker",
        "These workers have threads but no event loop. They speak WSGI, and FastAPI is ASGI.",
        "Does the app need threads from its worker, or an event loop?",
    ),
    (
        r"asgi|<ASGIWorker\(\)>",
        "gunicorns-own-asgi",
        "This is Gunicorn's own ASGI worker: there is no Uvicorn in it.",
        "Which class has Uvicorn in its name?",
    ),
]


@contextmanager
def written(config: Any) -> Iterator[Path]:
    """The answer as a file in a folder of its own, gone afterwards. Raises Refused."""
    _refuse(config)
    with tempfile.TemporaryDirectory(prefix="workerlab-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        (folder / FILE).write_text(config, encoding="utf-8")
        yield folder


def settings_of(folder: Path, env: Mapping[str, str | None] | None = None) -> dict[str, Any]:
    """The settings of a file with which a server may be started. Raises Refused."""
    reading = read(folder, env)
    if reading.settings is None:
        raise Refused(not_read(reading, COMMAND))
    if not is_loopback_bind(reading.settings["bind"]):
        raise Refused(open_to_the_network(COMMAND))
    return reading.settings


def judge_worker_class(worker_class: str, threads: int = 1, **details: str) -> Verdict | None:
    """The verdict on a worker class, as `--print-config` names it, other than UvicornWorker.

    None for UvicornWorker itself, and for a class that the configuration file defines. With more
    than one of the `threads`, Gunicorn turns `sync` into `gthread`. `details` go into the verdict.
    """
    actual = "gthread" if worker_class == "sync" and threads > 1 else worker_class
    for pattern, misconception, sentence, question in WORKER_CLASSES:
        if re.fullmatch(pattern, actual):
            return wrong(misconception, sentence, question, **details)
    if re.fullmatch(UVICORN_WORKER, actual) or actual.startswith(OF_THE_FILE):
        return None
    return wrong(
        "another-worker-class",
        f"These workers are of the class {actual}, which the lessons don't use.",
        "Which class did lesson 04 give to --worker-class?",
        **details,
    )


@contextmanager
def server_with(
    folder: Path, options: str = "", env: Mapping[str, str] | None = None, **others: Any
) -> Iterator[Server]:
    """A server of app.main with the file; `others` are options of Server. Raises Refused."""
    command = f"{COMMAND} --bind 127.0.0.1:{{port}} {options}".strip()
    with served(command, cwd=folder, env=dict(env or {}), **others) as server:
        yield server


def not_read(reading: Reading, ran: str) -> Verdict:
    """The verdict on a file with which Gunicorn ends instead of starting."""
    lines = [line.strip() for line in reading.output.splitlines() if line.strip()]
    details = {
        "ran": ran,
        "came_back": "\n".join(lines[-2:]),
        "expected": "a file that Gunicorn can start with",
    }
    if reading.exit_code is None:
        return wrong(
            "never-ends",
            "Gunicorn never got to the end of the file, so it was stopped.",
            "Which line can go on forever?",
            **details,
        )
    if "Invalid value for" in reading.output:
        invalid = next(line for line in lines if "Invalid value for" in line)
        return wrong(
            "invalid-value",
            "Gunicorn does not accept the value of one of the settings.",
            "What type must the value of this setting have?",
            **{**details, "came_back": invalid},
        )
    if "Traceback" in reading.output:
        return wrong(
            "raises",
            "The file raises an exception while Gunicorn reads it.",
            "Is everything that the file uses imported in the file itself?",
            **details,
        )
    return wrong(
        "ends-the-process",
        f"Gunicorn ended while it read the file, with exit code {reading.exit_code}.",
        "Which line ends the whole program, and under which condition should it?",
        **details,
    )


def unknown_names(config: str) -> list[str]:
    """Names that the file assigns and never uses, and that are no settings: Gunicorn skips them."""
    nodes = list(ast.walk(ast.parse(config)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    used = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    assigned = [
        target.id
        for statement in ast.parse(config).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
    return [name for name in assigned if name not in used.union(KNOWN) and not name.startswith("_")]


def no_such_setting(config: str, **details: str) -> Verdict | None:
    """The verdict on a name in the file that is no setting of Gunicorn's; None if there is none.

    To be asked where something is missing: for a file that does what it should, it is harmless.
    """
    names = unknown_names(config)
    if not names:
        return None
    close = {name: difflib.get_close_matches(name, KNOWN, 1, 0.8) for name in names}
    name = next((name for name in names if close[name]), " or ".join(names))
    meant = f" Did you mean {close[name][0]}?" if close.get(name) else ""
    return wrong(
        "no-such-setting",
        f"Gunicorn has no setting {name}, and silently ignores it.{meant}",
        "How does the list of settings in Gunicorn's documentation spell it?",
        **details,
    )


def refuse_no_text(config: Any) -> None:
    """Raise Refused where the answer is no string."""
    if not isinstance(config, str):
        raise Refused(
            wrong(
                "not-a-string",
                f"The answer is of type {type(config).__name__}, but a file is one string here.",
                "What is between the three quotation marks and the next three?",
                expected="a str: the text of the file",
            )
        )


def _refuse(config: Any) -> None:
    refuse_no_text(config)
    if config.strip().endswith(".py") and "\n" not in config.strip():
        raise Refused(
            wrong(
                "name-not-text",
                "The answer is the name of a file, not its text.",
                "What would you see if you opened the file?",
                ran=config,
                expected="the text of the file",
            )
        )
    if config.strip().startswith("-"):
        raise Refused(
            wrong(
                "option-not-setting",
                "This is a command-line option, but a configuration file has settings.",
                "How does Gunicorn's documentation name the setting that belongs to the option?",
                ran=config,
                expected="lines such as: workers = 2",
            )
        )
    try:
        ast.parse(config)
    except (SyntaxError, ValueError) as error:
        raise Refused(
            wrong(
                "syntax-error",
                "This is not valid Python, and a Gunicorn configuration file is Python.",
                "What does Python make of \\n between three quotation marks, and with an r before "
                "them?"
                if "unterminated" in str(error)
                else "What is in that line? Are there quotation marks around strings?",
                ran=COMMAND,
                came_back=f"line {getattr(error, 'lineno', '?')}: {error}",
                expected="lines such as: workers = 2",
            )
        ) from None
