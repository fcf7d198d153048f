"""The configuration file which an answer of exercise 06 is: written down, read, and served with."""

import ast
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from workerlab.checks.command import launched, open_to_the_network
from workerlab.checks.gunicorn_settings import Reading, is_here, read_settings
from workerlab.checks.patience import patience
from workerlab.checks.verdicts import Verdict, could_not_check, not_attempted, wrong
from workerlab.server.server import Server
from workerlab.server.start_errors import ServerDidNotStart, misspelt_settings

FILE = "gunicorn_conf.py"
COMMAND = f"gunicorn app.main:app -c {FILE}"
LIMIT = 8.0  # seconds for the server to come up
DOTS = re.compile(r"^\s*\.\.\.\s*(#.*)?$", re.MULTILINE)


class Refused(Exception):
    """There is nothing to look at; the verdict says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.sentence)
        self.verdict = verdict


@contextmanager
def written(config: Any) -> Iterator[Path]:
    """The answer as a file in a folder of its own, gone afterwards. Raises Refused."""
    verdict = _no_file(config)
    if verdict is not None:
        raise Refused(verdict)
    with tempfile.TemporaryDirectory(prefix="workerlab-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        (folder / FILE).write_text(config, encoding="utf-8")
        yield folder


def _no_file(config: Any) -> Verdict | None:
    if not isinstance(config, str):
        return wrong(
            "not-a-text",
            f"The answer is of type {type(config).__name__}, and a file is one text.",
            "What stands between the three quotation marks and the next three?",
            expected="a str: what stands in the file",
        )
    if DOTS.search(config):
        return not_attempted()
    if config.strip().endswith(".py") and "\n" not in config.strip():
        return wrong(
            "name-not-text",
            "The answer is the name of a file, and not what stands in it.",
            "What would you see if you opened the file?",
            ran=config,
            expected="the text of the file",
        )
    try:
        ast.parse(config)
    except (SyntaxError, ValueError) as error:
        question = "What stands in the line that is named? Are there quotation marks around texts?"
        if "unterminated" in str(error):
            question = (
                "What does Python make of \\n between three quotation marks? And of the same with "
                "an r before them?"
            )
        return wrong(
            "syntax-error",
            "This is no Python, and a configuration file of Gunicorn is Python.",
            question,
            ran=COMMAND,
            came_back=f"line {getattr(error, 'lineno', '?')}: {error}",
            expected="lines such as: workers = 2",
        )
    return None


def read_each(folder: Path, environments: list[dict[str, str | None]]) -> list[Reading]:
    """How Gunicorn reads the file in each environment."""
    readings = read_settings(COMMAND.split()[1:], environments, cwd=folder)
    return [Reading(r.settings, r.exit_code, _short(r.output, folder)) for r in readings]


def read_once(folder: Path) -> dict[str, Any]:
    """The settings in the file, for a server that may be launched. Raises Refused."""
    reading = read_each(folder, [{}])[0]
    if reading.settings is None:
        raise Refused(not_read(reading, COMMAND))
    if not is_here(reading.settings["bind"]):
        raise Refused(open_to_the_network(COMMAND))
    return reading.settings


def not_read(reading: Reading, ran: str) -> Verdict:
    """The verdict on a file with which Gunicorn ends instead of starting."""
    lines = [line for line in reading.output.splitlines() if line.strip()]
    came_back = "\n".join(lines[-3:])
    details = {"ran": ran, "came_back": came_back, "expected": "a file with which Gunicorn starts"}
    if reading.exit_code is None:
        return wrong(
            "never-ends",
            "Gunicorn did not come to the end of the file; it was ended.",
            "Which line can go on for ever?",
            **details,
        )
    if "Traceback" in reading.output:
        return wrong(
            "raises",
            "The file raises an exception while Gunicorn reads it.",
            "Is everything that the file uses imported in the file itself?",
            **details,
        )
    if "Invalid value for" in reading.output:
        return wrong(
            "invalid-value",
            "Gunicorn does not take the value of one of the settings.",
            "Of which type has the value of this setting to be?",
            **details,
        )
    return wrong(
        "ends-the-process",
        f"Gunicorn ended while it read the file, with exit code {reading.exit_code}.",
        "Which line ends the whole program, and under which condition should it?",
        **details,
    )


@contextmanager
def served(folder: Path, options: str = "", env: dict[str, str] | None = None) -> Iterator[Server]:
    """A server of app.main with the file. Raises Refused, also where it does not start."""
    command = f"{COMMAND} --bind 127.0.0.1:{{port}} {options}".strip()
    with ExitStack() as stack:
        try:
            server = stack.enter_context(
                launched(command, cwd=folder, env=env, timeout=patience(LIMIT))
            )
        except ServerDidNotStart as error:
            raise Refused(_did_not_start(_short(str(error), folder))) from None
        except ValueError:
            raise Refused(open_to_the_network(COMMAND)) from None
        yield server


def _did_not_start(report: str) -> Verdict:
    if report.count("Booting worker") > 1:
        return wrong(
            "workers-end",
            "Each worker ends as soon as it has started, and the master starts another.",
            "Which line of the file runs in a worker, and ends it?",
            ran=COMMAND,
            came_back="\n".join(line.strip() for line in report.splitlines()[-3:]),
            expected="a server that answers",
        )
    if " within " in report:
        return could_not_check(
            "no server came up in time; is the machine busy, or does the file wait for ever?"
        )
    log = [line.strip() for line in report.splitlines()[1:] if line.strip()]
    details = {
        "ran": COMMAND,
        "came_back": "\n".join([log[0][:200], *log[-3:]]) if log else "",
        "expected": "a server that answers",
    }
    if "class uri" in report or "'str' object is not callable" in report:
        return wrong(
            "no-such-class",
            "Gunicorn cannot import the worker class under this name.",
            "Which module holds the class? Can anybody import your file by its name, or would the "
            "class itself do?",
            **details,
        )
    if "unexpected keyword argument" in report:
        return wrong(
            "no-such-parameter",
            "Your worker hands Uvicorn a parameter which it does not have.",
            "How is the parameter spelt in uvicorn --help, with _ in the place of -?",
            **details,
        )
    return wrong(
        "does-not-start",
        "The server did not come up.",
        "What do the last lines say?",
        **details,
    )


def misspelt(folder: Path, ran: str, came_back: str, expected: str) -> Verdict | None:
    """The verdict on a name which is almost that of a setting, and which Gunicorn ignores."""
    sentence = misspelt_settings(COMMAND, folder)
    if sentence is None:
        return None
    return wrong(
        "misspelt-setting",
        sentence.partition(" Is ")[0],
        "What does Gunicorn say of a name in this file which it does not know?",
        ran=ran,
        came_back=came_back,
        expected=expected,
    )


def defines_a_class(config: str) -> bool:
    """Whether the file holds a class of its own."""
    return any(isinstance(node, ast.ClassDef) for node in ast.walk(ast.parse(config)))


def _short(text: str, folder: Path) -> str:
    return text.replace(f"{folder}/", "")
