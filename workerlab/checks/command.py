"""A reader's command: refused, launched, and why it did not start."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workerlab.checks.patience import patience, slowness
from workerlab.checks.verdicts import Refused, Verdict, too_busy, wrong
from workerlab.server import Server
from workerlab.server.commands import address_of, is_loopback, workers_asked_for
from workerlab.server.start_errors import LOST_CHILD, ServerDidNotStart, is_listening, log_in

START_LIMIT = 8.0  # seconds for a server to come up
MOST_WORKERS = 12  # more are not started: a wrong number must not fill the reader's memory
# What a shell would make of a line; a check runs one command, and no shell.
OF_A_SHELL = {"&", "&&", ";", "|", "||", ">", "<"}

# Why a command did not start: what its log says, what the command says (without Gunicorn's -c),
# the misconception, a sentence, a question. The first row that fits is told.
REASONS: list[tuple[str, str, str, str, str]] = [
    (
        r"There is no command",
        "",
        "no-such-command",
        "There is no such program in this environment.",
        "Which program did the lesson start, and how is it spelled?",
    ),
    (
        r"fastapi\[standard\]",
        "",
        "fastapi-command",
        "The command fastapi starts a Uvicorn for you, but it is not in this environment.",
        "Which command starts that Uvicorn directly?",
    ),
    (
        r"unrecognized arguments:.*--(?:port|host)\b",
        r"gunicorn",
        "option-of-uvicorn",
        "--host and --port are options of Uvicorn; Gunicorn has neither.",
        "Which one option of Gunicorn takes address and port together?",
    ),
    (
        r"unrecognized arguments|[Nn]o such option|unexpected extra argument|ambiguous option"
        r"|expected (?:one|at least one) argument|requires an argument|Error: Invalid value for"
        r"|error: argument",
        "",
        "no-such-option",
        "The program does not understand its command line.",
        "What does its --help say about this option?",
    ),
    (
        r"import|No module named",
        r"\.py\b",
        "file-instead-of-module",
        "The command names a file, but the server wants the name of a module.",
        "How would you write `from ... import app`? What goes where the dots are?",
    ),
    (
        r"must be in format|No application module|attribute 'application'|Missing argument",
        "",
        "no-app-named",
        "The command does not say which object of which module is the app.",
        "What comes before the colon in app.main:app, and what after it?",
    ),
    (
        r"class uri|'str' object is not callable",
        "",
        "no-such-class",
        "Gunicorn cannot import this worker class.",
        "The class is in a separate package. What is it called, and where is the dot?",
    ),
    (
        r"was never awaited",
        "",
        "not-awaited",
        "A coroutine is created but never awaited, so it never runs.",
        "What happens when you call a coroutine function, and what only when you await it?",
    ),
    (
        r"Failed to find attribute|Attribute \".*\" not found|No module named|Could not import",
        "",
        "app-misspelled",
        "The server cannot find the app under this name.",
        "In which file is the app, and what is it called there?",
    ),
    (
        r"listens at .* and not at",
        "",
        "listens-elsewhere",
        "The server listens at another address than it should.",
        "Which file or option says where it listens, and does your command use it?",
    ),
]
# Between these two lines, and from the second to the first answer, a server needs milliseconds. A
# longer wait is the app's fault if the machine was not too busy: the log was silent for SILENCE
# seconds, or the cores are idle at the end.
STARTING = "Waiting for application startup"
STARTED = "Application startup complete"
SILENCE = 1.5
IDLE = 1.2  # in terms of `slowness`
ERROR = re.compile(r"error\b|Error\b|Exception\b|invalid|doesn't exist|no command|never awaited")


@contextmanager
def served(command: Any, name: str = "check", **options: Any) -> Iterator[Server]:
    """A server of the reader's command, with the options of Server; killed when the block ends.

    Raises Refused where the command is not launched, or the server does not come up.
    """
    refuse(command)
    with started(command, name, **options) as server:
        yield server


@contextmanager
def started(command: str, name: str = "check", **options: Any) -> Iterator[Server]:
    """As `served`, for a command of the check's own that runs what the reader wrote."""
    options, told = {"timeout": patience(START_LIMIT), **options}, command.replace("{folder}/", "")
    try:
        server = Server(command, name=name, **options)
    except ServerDidNotStart as error:
        raise Refused(did_not_start(told, str(error))) from None
    except ValueError:  # it listens elsewhere than it says
        raise Refused(open_to_the_network(told)) from None
    try:
        yield server
    finally:
        # There is nothing to finish in good order, and leaving would take as long as starting.
        server.stop(grace=0)


@contextmanager
def launched(command: str, name: str = "check", **options: Any) -> Iterator[Server]:
    """A server of the check's own, with the options of Server; killed when the block ends.

    Raises Refused, to say that it could not be checked, where the server does not come up.
    """
    try:
        server = Server(command, name=name, **options)
    except ServerDidNotStart as error:
        reason = "\n".join(error_lines(str(error)))
        raise Refused(too_busy(f"the check's own server did not start ({reason})")) from None
    try:
        yield server
    finally:
        server.stop(grace=0)


def refuse(command: Any) -> None:
    """Raise Refused where this is no command for one server on this machine."""
    if not isinstance(command, str):
        raise Refused(
            wrong(
                "not-a-string",
                f"The answer is of type {type(command).__name__}, but a command is one string.",
                'What is between the quotation marks in "uvicorn --version"?',
                expected="a str, as you would type it in a shell",
            )
        )
    if "{port}" not in command:
        raise Refused(
            wrong(
                "port-not-given",
                "The command does not use the port that it is given.",
                "Where in your command does {port} belong?",
                ran=command,
                expected="{port} where the port number goes; the check fills in a free one",
            )
        )
    try:
        words = shlex.split(command.replace("{port}", "8000"))
    except ValueError as error:
        raise Refused(
            wrong(
                "quotation-marks",
                f"A shell could not read this command: {error}.",
                "Does every quotation mark have its partner?",
                ran=command,
            )
        ) from None
    if OF_A_SHELL & set(words) or any(word.endswith(";") for word in words[:-1]):
        raise Refused(
            wrong(
                "not-one-command",
                "The check runs one command, without a shell around it.",
                "Which of these words are for the shell, and which for the server?",
                ran=command,
                expected="one command that starts one server",
            )
        )
    if re.search(r"\b0\.0\.0\.0\b|\[?::\]?:|--host[= ]::", command) or _is_open(words):
        raise Refused(open_to_the_network(command))
    _refuse_address(command, shlex.join(words))
    if (count := workers_asked_for(shlex.join(words)) or 1) > MOST_WORKERS:
        raise Refused(
            wrong(
                "far-too-many-workers",
                f"The command asks for {count} workers; more than {MOST_WORKERS} are not started.",
                "How many workers does the task ask for?",
                ran=command,
            )
        )


def _refuse_address(command: str, filled: str) -> None:
    try:
        address_of(filled)
    except ValueError as error:
        if "would listen" in str(error):
            raise Refused(open_to_the_network(command)) from None
        is_address = "is not an address" in str(error)
        raise Refused(
            wrong(
                "no-address" if is_address else "no-such-option",
                str(error).splitlines()[-1],
                "Which part is the host, and which the port? Which option takes which?"
                if is_address
                else "What does --help say about this option?",
                ran=command,
            )
        ) from None


def _is_open(words: list[str]) -> bool:
    """Whether the variables in the command would have the server listen beyond this machine."""
    env = environment_of(words)
    if not is_loopback(env.get("UVICORN_HOST", "127.0.0.1")):
        return True
    try:
        address_of(f"gunicorn {env.get('GUNICORN_CMD_ARGS', '')}")
    except ValueError:
        return True
    return False


def environment_of(words: list[str]) -> dict[str, str]:
    """The variables that a shell would set for the program, as in `WORKERS=2 gunicorn ...`."""
    env = {}
    for word in words[1:] if words[:1] == ["env"] else words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            break
        env[name] = value
    return env


def open_to_the_network(command: str) -> Verdict:
    """The verdict on a server that other machines could reach."""
    return wrong(
        "open-to-the-network",
        "The server would be open to other machines, so it was not left running.",
        "Who can reach 0.0.0.0, and who can reach 127.0.0.1?",
        ran=command,
        expected="a server that listens on 127.0.0.1 only",
    )


def did_not_start(command: str, report: str) -> Verdict:
    """The verdict on a server that did not come up; `report` is the text of ServerDidNotStart."""
    details = {
        "ran": command,
        "came_back": "\n".join(error_lines(report)),
        "expected": "a server that answers",
    }
    words = " ".join(without_configuration(shlex.split(command)))
    for said, written, misconception, sentence, question in REASONS:
        if re.search(said, report) and re.search(written, words):
            lines = [line for line in error_lines(report, 100) if re.search(said, line)]
            details["came_back"] = "\n".join(lines[-1:]) or details["came_back"]
            return wrong(misconception, sentence, question, **details)
    silence = re.search(r"did not answer within .* wrote nothing for the last ([\d.]+) s", report)
    if silence and STARTING in report and (float(silence[1]) > SILENCE or slowness() < IDLE):
        has_started = STARTED in report
        return wrong(
            "answers-nothing" if has_started else "startup-never-ends",
            "The server has started, but it answers nothing."
            if has_started
            else "The app's start-up (its lifespan) never completes.",
            "Does whatever you put in front of the app pass everything on: scope, receive, and "
            "every message to send?",
            **details,
        )
    if " within " in report:
        if is_listening(report) or re.search(r"\b(?:uvicorn|gunicorn)\b", words):
            return too_busy("the server did not come up in time")
        return wrong(
            "never-comes-up",
            "The server did not answer within a few seconds, so it was stopped.",
            "Is this the program that serves the app, or does something wait before it does?",
            **details,
        )
    if LOST_CHILD.search(report) and slowness() >= IDLE:
        return too_busy("Uvicorn killed a worker that took long to import the app")
    return wrong("does-not-start", "The server did not start.", "What does its log say?", **details)


def error_lines(report: str, most: int = 2) -> list[str]:
    """The lines of the log that say why: the last ones with an error, or its end."""
    lines = [line.strip() for line in log_in(report).splitlines() if line.strip("^~ ")]
    errors = [
        line for line in lines if ERROR.search(line) and not line.startswith(("File ", "raise "))
    ]
    if not lines:
        return [line for line in report.splitlines() if ERROR.search(line)][:most]
    return [line[:300] for line in (errors or lines)[-most:]]


def without_configuration(words: list[str]) -> list[str]:
    """The words without Gunicorn's configuration file, which is a file indeed."""
    return [
        word
        for before, word in zip(["", *words], words, strict=False)
        if before not in ("-c", "--config") and not word.startswith(("-c", "--config="))
    ]
