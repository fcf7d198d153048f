"""Launching a server for a check, and what is said where that is refused or fails."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workerlab.checks.verdicts import Verdict, wrong
from workerlab.server.commands import address_of, is_loopback
from workerlab.server.server import Server


@contextmanager
def launched(command: str, name: str = "check", **options: Any) -> Iterator[Server]:
    """A server for a check, with the options of Server; killed when the check is over.

    There is nothing to finish in good order then, and four workers that leave by themselves cost
    as much time as starting them.
    """
    server = Server(command, name=name, **options)
    try:
        yield server
    finally:
        server.stop(grace=0)


def environment_of(command: str) -> dict[str, str]:
    """The variables which a shell would set for the program, as in `WORKERS=2 gunicorn ...`."""
    words = shlex.split(command)
    if words[:1] == ["env"]:
        words = words[1:]
    env = {}
    while words and re.match(r"[A-Za-z_]\w*=", words[0]):
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    return env


def refused(command: Any) -> Verdict | None:
    """The verdict on what is no command for a server on this machine; None to launch it."""
    if not isinstance(command, str):
        return wrong(
            "not-a-text",
            f"The answer is of type {type(command).__name__}, and a shell command is one text.",
            'What stands between the quotation marks in "uvicorn --version"?',
            expected="a str, as you would type it in a shell",
        )
    if "{port}" not in command:
        return wrong(
            "port-not-given",
            "The command does not use the port that it is given.",
            "Where would the number of the port stand? Write {port} there.",
            ran=command,
            expected="{port} where the port belongs; the check puts a free one there",
        )
    filled = command.replace("{port}", "8000")
    try:
        address_of(filled)
        if _is_open(environment_of(filled)):
            return open_to_the_network(command)
    except ValueError as error:
        if "is not an address" in str(error):
            return wrong(
                "no-address",
                str(error).splitlines()[-1],
                "Which part is the host, and which the port? Which option takes which?",
                ran=command,
            )
        if "would listen" not in str(error):
            return wrong(
                "no-such-option",
                str(error).splitlines()[-1],
                "What does uvicorn --help say?",
                ran=command,
            )
        return open_to_the_network(command)
    return None


def _is_open(env: dict[str, str]) -> bool:
    """Whether the variables would have the server listen beyond this machine."""
    if not is_loopback(env.get("UVICORN_HOST", "127.0.0.1")):
        return True
    try:
        address_of(f"gunicorn {env.get('GUNICORN_CMD_ARGS', '')}")
    except ValueError:
        return True
    return False


def open_to_the_network(command: str) -> Verdict:
    """The verdict on a server which other machines could reach."""
    return wrong(
        "open-to-the-network",
        "The server would be open to other machines, so it was not started.",
        "Who can reach 0.0.0.0, and who can reach 127.0.0.1?",
        ran=command,
        expected="a server that listens on 127.0.0.1 only",
    )


def did_not_start(command: str, report: str) -> Verdict:
    """The verdict on a server which did not come up; `report` is the text of ServerDidNotStart."""
    reason = "\n".join(report.splitlines()[1:6]) or report
    words = without_configuration(shlex.split(command))
    details = {"ran": command, "came_back": reason, "expected": "a server that answers"}
    if "There is no command" in report:
        return wrong(
            "no-such-command",
            report.splitlines()[0],
            "Which program did lesson 01 start, and how is it spelt?",
            **details,
        )
    if "fastapi" in words and "fastapi[standard]" in report:
        return wrong(
            "fastapi-command",
            "The command fastapi starts a Uvicorn for you, and it is not in this environment.",
            "Which command starts that Uvicorn without help?",
            **details,
        )
    if any(word.endswith(".py") or ".py:" in word for word in words[1:]):
        return wrong(
            "file-instead-of-module",
            "The command names a file, and the server wants the name of a module.",
            "How would you write `from ... import app`? What stands in the place of the dots?",
            **details,
        )
    if not any(":" in word and "{" not in word for word in words):
        return wrong(
            "no-app-named",
            "The command does not say which object of the module is the app.",
            "What stands after the colon in app.main:app?",
            **details,
        )
    return wrong(
        "does-not-start",
        "The server did not come up.",
        "What does its log say?",
        **details,
    )


def without_configuration(words: list[str]) -> list[str]:
    """The words without Gunicorn's configuration file, which is a file indeed."""
    return [
        word
        for before, word in zip(["", *words], words, strict=False)
        if before not in ("-c", "--config") and not word.startswith(("-c", "--config="))
    ]
