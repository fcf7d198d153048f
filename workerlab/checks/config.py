"""A reader's configuration file: written down, read as Gunicorn reads it, and served with.

`gunicorn --print-config` reads a file in a process of its own and prints every setting. It also
loads the app, for which it gets something harmless here.
"""

import ast
import difflib
import itertools
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gunicorn.config import KNOWN_SETTINGS

from workerlab import ROOT
from workerlab.checks.command import environment_of, open_to_the_network, served
from workerlab.checks.runner import Ended, run
from workerlab.checks.verdicts import Refused, Verdict, wrong
from workerlab.server import Server
from workerlab.server.commands import SETTINGS, is_loopback

FILE = "gunicorn_conf.py"
COMMAND = f"gunicorn app.main:app -c {FILE}"
KNOWN = [setting.name for setting in KNOWN_SETTINGS]
READ_LIMIT = 3.0  # seconds for Gunicorn to read a file
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


@contextmanager
def written(config: Any) -> Iterator[Path]:
    """The answer as a file in a folder of its own, gone afterwards. Raises Refused."""
    _refuse(config)
    with tempfile.TemporaryDirectory(prefix="workerlab-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        (folder / FILE).write_text(config, encoding="utf-8")
        yield folder


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


def settings_of(folder: Path, env: Mapping[str, str | None] | None = None) -> dict[str, Any]:
    """The settings of a file with which a server may be started. Raises Refused."""
    reading = read(folder, env)
    if reading.settings is None:
        raise Refused(not_read(reading, COMMAND))
    if not is_loopback_bind(reading.settings["bind"]):
        raise Refused(open_to_the_network(COMMAND))
    return reading.settings


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
