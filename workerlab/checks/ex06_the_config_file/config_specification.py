"""Exercise 06, task 1: what is read in the file before a server is started with it."""

import os
from pathlib import Path
from typing import Any

from workerlab.checks.command import open_to_the_network
from workerlab.checks.config import COMMAND, misspelt, not_read, read_each
from workerlab.checks.gunicorn_settings import Reading, is_here
from workerlab.checks.verdicts import Verdict, wrong
from workerlab.checks.worker_classes import class_of, judge_worker_class

WORKERS = 3
PORT = "18463"  # nobody listens there; the file is only read with it
BAD_VALUES = ("three", "0", "-2", "2.5")
EARLIEST, LATEST = 40, 60  # requests after which a worker is replaced
CORES = os.cpu_count() or 1
ONE_LINE = "one line which names WORKERS and the bad value, and an exit code that is not 0"


def environment(folder: Path, workers: str | None) -> dict[str, str | None]:
    """The variables which the task promises to the file."""
    return {"WORKERS": workers, "PORT": PORT, "LOGS": str(folder / "logs")}


def judge_as_read(folder: Path) -> tuple[Verdict | None, dict[str, Any]]:
    """The verdict on what Gunicorn reads, None if a server may be started; and the settings."""
    values = [str(WORKERS), None, *BAD_VALUES]
    with_three, unset, *bad = read_each(folder, [environment(folder, value) for value in values])
    ran = f"WORKERS={WORKERS} {COMMAND}"
    settings = with_three.settings
    if settings is None:
        return not_read(with_three, ran), {}
    verdict = (
        _address(settings)
        or _class(settings, ran)
        or _three_workers(folder, settings, ran)
        or _without_the_variable(unset)
        or next(filter(None, map(_bad_value, BAD_VALUES, bad)), None)
        or _log_files(folder, settings, ran)
    )
    return verdict, settings


def _address(settings: dict[str, Any]) -> Verdict | None:
    ran = f"PORT={PORT} {COMMAND}"
    bind = settings["bind"] if isinstance(settings["bind"], list) else [settings["bind"]]
    if not is_here(bind):
        verdict = open_to_the_network(f"{ran}\nGunicorn reads the address {', '.join(bind)}")
        return verdict
    if bind in ([f"127.0.0.1:{PORT}"], [f"localhost:{PORT}"]):
        return None
    return wrong(
        "another-port",
        "The server would not listen at the port that it is given.",
        "Where does the number come from, if the file is to work with any port?",
        ran=ran,
        came_back=f"Gunicorn reads the address {', '.join(bind)}",
        expected=f"127.0.0.1:{PORT}",
    )


def _class(settings: dict[str, Any], ran: str) -> Verdict | None:
    name = class_of(settings)
    expected = "a UvicornWorker of the package uvicorn_worker"
    came_back = f"worker class: {settings['worker_class']}"
    if not settings["bases"]:
        return wrong(
            "no-such-class",
            "Gunicorn cannot import the worker class under this name.",
            "The class is in a package of its own. What is the package called, with its dot?",
            ran=ran,
            came_back=came_back,
            expected=expected,
        )
    return judge_worker_class(name, ran=ran, came_back=came_back, expected=expected)


def _three_workers(folder: Path, settings: dict[str, Any], ran: str) -> Verdict | None:
    if settings["workers"] == WORKERS:
        return None
    details = {
        "ran": ran,
        "came_back": f"Gunicorn reads workers = {settings['workers']}",
        "expected": f"{WORKERS} workers",
    }
    return misspelt(folder, **details) or wrong(
        "variable-not-used",
        f"WORKERS is {WORKERS}, and there would be another number of workers.",
        "Which line of the file asks the environment, and which setting gets the answer?",
        **details,
    )


def _without_the_variable(reading: Reading) -> Verdict | None:
    ran = f"{COMMAND}\nwithout WORKERS in the environment"
    expected = f"from 1 to {4 * CORES} workers: at most four for each core"
    if reading.settings is None:
        lines = reading.output.splitlines()
        return wrong(
            "needs-the-variable",
            "Without the variable, Gunicorn does not start.",
            "What does os.environ give back for a variable that is not there, and what is int() "
            "of that?",
            ran=ran,
            came_back="\n".join([line for line in lines if line.strip()][-2:]),
            expected=expected,
        )
    workers = reading.settings["workers"]
    if 1 <= workers <= 4 * CORES:
        return None
    return wrong(
        "no-sane-default",
        f"Without the variable there would be {workers} workers.",
        "How many processes can work at the same time on this machine?",
        ran=ran,
        came_back=f"Gunicorn reads workers = {workers}",
        expected=expected,
    )


def _bad_value(value: str, reading: Reading) -> Verdict | None:
    lines = [line for line in reading.output.splitlines() if line.strip()]
    code = "no exit code" if reading.exit_code is None else f"exit code {reading.exit_code}"
    came_back = [code, *lines[-4:]]
    if reading.settings is not None:
        came_back = [f"Gunicorn reads workers = {reading.settings['workers']}"]
    details = {
        "ran": f"WORKERS={value} {COMMAND}",
        "came_back": "\n".join(came_back),
        "expected": ONE_LINE,
    }
    if reading.settings is not None and reading.settings["workers"] == 0:
        return wrong(
            "no-workers",
            "Gunicorn would start with no worker at all: connections are taken, and never served.",
            "Which numbers of workers make sense, and does Gunicorn refuse the others for you?",
            **details,
        )
    if reading.settings is not None:
        return wrong(
            "bad-value-accepted",
            "The bad value is not refused: the server would start with another number.",
            "Who notices, and when, that the number is not the one that was asked for?",
            **details,
        )
    if reading.exit_code is None:
        return wrong(
            "never-ends",
            "Gunicorn did not come to the end of the file; it was ended.",
            "Which line can go on for ever?",
            **details,
        )
    if reading.exit_code == 0:
        return wrong(
            "exit-code-zero",
            "The exit code 0 says that all is well.",
            "How does whatever starts your server, as systemd does, learn that it failed?",
            **details,
        )
    if "Traceback" in reading.output:
        return wrong(
            "traceback",
            "The message is a traceback.",
            "What ends a Python program with one line, and without a traceback?",
            **details,
        )
    if "WORKERS" not in reading.output or value not in reading.output:
        return wrong(
            "message-does-not-say",
            "The message does not name both the variable and its value.",
            "What must whoever reads this line know in order to mend it?",
            **details,
        )
    if len(lines) > 1:
        return wrong(
            "several-lines",
            f"The message has {len(lines)} lines.",
            "Which one line says it all?",
            **details,
        )
    return None


def _log_files(folder: Path, settings: dict[str, Any], ran: str) -> Verdict | None:
    """The verdict on a log which would go to a file outside of the folder that is given."""
    for name in ("accesslog", "errorlog"):
        path = settings[name]
        if path in (None, "-") or (folder / path).resolve().parent == folder / "logs":
            continue
        return wrong(
            "log-in-another-folder",
            "A log would go to a file which is not in the folder that is given.",
            "Which variable names the folder, and what does a path without a folder start from?",
            ran=ran,
            came_back=f"Gunicorn reads {name} = {str(path).replace(str(folder), '...')}",
            expected="files in the folder that LOGS names",
        )
    return None
