"""Exercise 06, task 1: a configuration file to a specification, as Gunicorn reads it."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workerlab.checks.command import open_to_the_network
from workerlab.checks.config import COMMAND, judge_worker_class, no_such_setting, not_read, written
from workerlab.checks.print_config import Reading, is_loopback_bind, read
from workerlab.checks.verdicts import Refused, Verdict, right, wrong

FORM = 2
HINTS = [
    "Which setting is for each line of the list, and which of them need a line of Python first?",
    "What stops a program with one line and exit code 1? What does os.environ.get return for a "
    'variable that is not set? And which strings does int() take that you don\'t want: "0", "-2"?',
    'text = os.environ.get("WORKERS") or "2"; unless text.isdecimal() and int(text) > 0: '
    'sys.exit(f"WORKERS ... {text!r}"). Then workers, worker_class, bind, max_requests with '
    "max_requests_jitter (which is added), accesslog and errorlog.",
]

WORKERS = 3
PORT = "18463"  # nothing listens there; the file is only read with it
BAD_VALUES = ("three", "0", "-2", "2.5")
EARLIEST, LATEST = 40, 60  # requests after which a worker is replaced
CORES = os.cpu_count() or 1
RAN = f"WORKERS={WORKERS} {COMMAND}"
EXPECTED = f"{WORKERS} UvicornWorkers at 127.0.0.1:{PORT}, 40 to 60 requests, both logs in $LOGS"

# Settings, whether their values are right, and the mistake of a file where they are not, with a
# sentence and a question.
REQUIREMENTS: list[tuple[list[str], Callable[..., bool], str, str, str]] = [
    (
        ["bind"],
        lambda bind: bind in ([f"127.0.0.1:{PORT}"], [f"localhost:{PORT}"]),
        "another-port",
        "The server would not listen on the port it is given.",
        "Where does the number come from if the file is to work with any port?",
    ),
    (
        ["workers"],
        lambda workers: workers == WORKERS,
        "variable-not-used",
        f"WORKERS is {WORKERS}, but a different number of workers would start.",
        "Which line of the file reads the environment, and which setting gets the value?",
    ),
    (
        ["max_requests", "max_requests_jitter"],
        lambda lowest, jitter: lowest >= EARLIEST and lowest + jitter <= LATEST,
        "another-number-of-requests",
        "A worker may be replaced too early, too late, or never.",
        "Which setting says after how many, and is the jitter added to it, or subtracted?",
    ),
    (
        ["max_requests", "max_requests_jitter"],
        lambda lowest, jitter: jitter > 0,
        "all-at-once",
        "All workers leave after the same number of requests: under even load, together.",
        "Which setting gives each worker a number of its own?",
    ),
    *(
        (
            [f"{name}log"],
            lambda path, name=name: os.path.normpath(path) == f"$LOGS/{name}.log",
            "log-elsewhere",
            f"The {name} log does not go to {name}.log in the folder that LOGS names.",
            'What does "-" stand for, and what happens if the file does not mention this log?',
        )
        for name in ("access", "error")
    ),
]


def check(config: Any) -> Verdict:
    """Have Gunicorn read the file in several environments; no server is started."""
    with written(config) as folder:
        _judge_settings(config, folder, read(folder, _environment(folder, str(WORKERS))))
        for value, name in ((None, "without WORKERS"), ("", "with an empty WORKERS")):
            _judge_default(name, read(folder, _environment(folder, value)))
        for value in BAD_VALUES:
            _judge_bad_value(value, read(folder, _environment(folder, value)))
    return right(
        "Gunicorn reads what the specification asks for, and a bad WORKERS ends the start.",
        f"gunicorn --print-config, with WORKERS={WORKERS}, without it, with an empty one, "
        f"and with {', '.join(BAD_VALUES)}",
    )


def _environment(folder: Path, workers: str | None) -> dict[str, str | None]:
    return {"WORKERS": workers, "PORT": PORT, "LOGS": str(folder / "logs")}


def _judge_settings(config: str, folder: Path, reading: Reading) -> None:
    if reading.settings is None:
        raise Refused(not_read(reading, RAN))
    settings = reading.settings
    for name in ("accesslog", "errorlog"):
        settings[name] = str(settings[name]).replace(str(folder / "logs"), "$LOGS")
    if not is_loopback_bind(settings["bind"]):
        ran = f"PORT={PORT} {COMMAND}"
        raise Refused(no_such_setting(config, ran=ran) or open_to_the_network(ran))
    worker_class = settings["worker_class"]
    details = {"ran": RAN, "came_back": f"worker_class = {worker_class}", "expected": EXPECTED}
    if verdict := judge_worker_class(worker_class, settings["threads"], **details):
        raise Refused(verdict)
    for names, is_met, misconception, sentence, question in REQUIREMENTS:
        if not is_met(*(settings[name] for name in names)):
            details["came_back"] = "\n".join(f"{name} = {settings[name]}" for name in names)
            verdict = no_such_setting(config, **details)
            raise Refused(verdict or wrong(misconception, sentence, question, **details))


def _judge_default(name: str, reading: Reading) -> None:
    workers = reading.settings and reading.settings["workers"]
    if workers is None or not 1 <= workers <= 4 * CORES:
        raise Refused(
            wrong(
                "needs-the-variable" if workers is None else "no-sane-default",
                "Gunicorn does not start with a number of workers that fits this machine.",
                'What does os.environ.get return if a variable is not set, and is "" a number?',
                ran=f"{COMMAND}, {name}",
                came_back=_told(reading),
                expected=f"from 1 to {4 * CORES} workers",
            )
        )


def _judge_bad_value(value: str, reading: Reading) -> None:
    ran = f"WORKERS={value} {COMMAND}"
    if reading.settings is None and reading.exit_code is None:
        raise Refused(not_read(reading, ran))
    names_both = rf"(?=.*WORKERS)(?=.*{re.escape(value)}).*"
    if reading.settings is not None:
        mistake = (
            "bad-value-accepted",
            "The bad value is accepted: Gunicorn would start.",
            "Who would notice, and when, that fewer or more workers start than asked for?",
        )
    elif reading.exit_code == 0 or not re.fullmatch(names_both, reading.output.strip()):
        mistake = (
            "message-does-not-say",
            "A bad value does not stop the start as it should.",
            "What stops a program with one line, an exit code other than 0, and no traceback?",
        )
    else:
        return
    expected = "one line that names WORKERS and its value, and an exit code other than 0"
    raise Refused(wrong(*mistake, ran=ran, came_back=_told(reading), expected=expected))


def _told(reading: Reading) -> str:
    if reading.settings is not None:
        return f"workers = {reading.settings['workers']}"
    return "\n".join([f"exit code {reading.exit_code}", *reading.output.strip().splitlines()[-3:]])
