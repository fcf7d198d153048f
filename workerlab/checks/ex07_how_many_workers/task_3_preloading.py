"""Exercise 07, task 3: share data between workers, and lose what that saves."""

import ast
import dataclasses
import inspect
import re
import time
from typing import Any

from gunicorn.config import KNOWN_SETTINGS

from workerlab.checks.app import Seen
from workerlab.checks.ex07_how_many_workers.memory import (
    START_LIMIT,
    WORKERS,
    Measured,
    measure,
    tells_pss,
)
from workerlab.checks.ex07_how_many_workers.memory_notes import notes
from workerlab.checks.ex07_how_many_workers.memory_verdicts import judge_measured
from workerlab.checks.exercise import source_of
from workerlab.checks.served_apps import bad_status, no_reply
from workerlab.checks.served_apps import did_not_start as app_did_not_start
from workerlab.checks.verdicts import Verdict, could_not_check, not_attempted, wrong
from workerlab.server.start_errors import ServerDidNotStart, cause, log_in

PATHS = ("/read", "/write")
RAN = f"your app with your setting and {WORKERS} workers, and the same without preloading"
# Named in tests/allowed_skips.txt for the systems which do not tell.
SENTENCE = "preloading saves memory until the workers write to the data"
NO_PSS = (
    "this system does not tell which part of its memory a process shares (PSS), as Linux does\n"
    f"○ not measurable here: {SENTENCE}"
)


def judge_preloaded(answer: Any) -> Verdict:
    """Serve the app with the reader's line of configuration, and measure its memory."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return wrong(
            "not-both",
            "The check wants the setting and the app.",
            "What stands between the parentheses of check.task_3?",
            expected="(setting, app)",
        )
    setting, app = answer
    if not isinstance(setting, str):
        return wrong(
            "not-a-text",
            f"The setting is of type {type(setting).__name__}, and a line of a file is a text.",
            'What stands between the quotation marks in "workers = 3"?',
            expected="a str, as the line stands in gunicorn_conf.py",
        )
    verdict = _setting(setting)
    if verdict is not None:
        return verdict
    endpoints = [_endpoint(app, path) for path in PATHS]
    if None in endpoints:
        return _no_endpoint(app, PATHS[endpoints.index(None)])
    source = source_of(endpoints[0])
    if _has_dots(source):
        return not_attempted()
    if not tells_pss():
        return could_not_check(NO_PSS)
    try:
        found = measure(source, setting)
    except ServerDidNotStart as error:
        return _did_not_start(str(error))
    if found.too_busy:
        return could_not_check("this machine was too busy to answer in time; run it again")
    if found.trouble is not None:
        return _trouble(found)
    return judge_measured(found, setting, RAN)


def _setting(setting: str) -> Verdict | None:
    """The verdict on a text which is no line of a configuration file."""
    details = {"ran": setting, "expected": "one line, as it stands in gunicorn_conf.py"}
    if setting.strip().startswith("-"):
        return wrong(
            "option-not-setting",
            "This is an option of the command line, and a configuration file has settings.",
            "Which setting belongs to the option? Gunicorn's documentation names both.",
            **details,
        )
    try:
        statements = ast.parse(setting).body
    except (SyntaxError, ValueError):
        return wrong(
            "no-python",
            "This is no Python, and Gunicorn's configuration file is Python.",
            "How did app/gunicorn_conf.py set the number of workers?",
            **details,
        )
    known = [known.name for known in KNOWN_SETTINGS]
    names = [
        target.id
        for statement in statements
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
    if names and not set(names) & {*known}:
        return wrong(
            "no-such-setting",
            f"Gunicorn has no setting {names[0]}, and ignores it without a word.",
            "Which settings does gunicorn --help name, and how are they spelt?",
            **details,
        )
    return None


def _endpoint(app: Any, path: str) -> Any:
    for route in getattr(app, "routes", []):
        if getattr(route, "path", "") == path:
            return inspect.unwrap(route.endpoint)
    return None


def _no_endpoint(app: Any, path: str) -> Verdict:
    if not hasattr(app, "routes"):
        return wrong(
            "not-an-app",
            f"In the place of the app stands something of type {type(app).__name__}.",
            "Which line of the cell makes the app?",
            expected="(setting, app), and app is the FastAPI object itself",
        )
    return wrong(
        "endpoint-missing",
        f"The app has no endpoint {path}.",
        "Which part of the cell was yours to fill in?",
        expected=f"the endpoints {PATHS[0]} and {PATHS[1]}",
    )


def _has_dots(source: str) -> bool:
    """Whether a blank is left, as a statement or as a value."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return False
    values = [node.value for node in nodes if isinstance(node, ast.Expr | ast.Assign)]
    return any(isinstance(value, ast.Constant) and value.value is ... for value in values)


def _did_not_start(report: str) -> Verdict:
    log = log_in(report)
    noted = [note for note in notes(log) if note["what"] == "settings"]
    details = {"ran": RAN, "came_back": cause(log) or ""}
    if "MemoryError" in log:
        return wrong(
            "too-much-data",
            "Your data need more memory than this check allows.",
            "How many bytes does one element take, and how many elements make 40 MB?",
            **details,
        )
    if "settings.py" in log or "Invalid value for" in log:
        return wrong(
            "setting-refused",
            "Gunicorn does not take your setting.",
            "Which values may the setting have?",
            **details,
        )
    if "Failed to find attribute 'app'" in log:
        return wrong(
            "no-app",
            "Your cell has no `app`.",
            "Which line of the cell makes the FastAPI object, and under which name?",
            **details,
        )
    ended = "ended with exit code" in report
    # Where the machine was too slow, even the settings were read late.
    endless = any(time.monotonic() - note["when"] > START_LIMIT * 0.7 for note in noted)
    seen = Seen(False, endless and not ended, ended, log, [], [], {})
    return dataclasses.replace(app_did_not_start(seen), ran=RAN)


def _trouble(found: Measured) -> Verdict:
    reply = found.trouble
    details = {"ran": f"{RAN}\nGET {reply.path}"}
    if reply.status is None:
        return no_reply(reply.error, details)
    if "does not support item assignment" in found.log:
        return wrong(
            "immutable-data",
            "Your data are of a type to which nothing can be written.",
            "Which type holds the same numbers and can be changed?",
            came_back=_last_error(found.log),
            **details,
        )
    if "UnboundLocalError" in found.log:
        return wrong(
            "local-name",
            "Within the function the name is another one than that at the top of the cell.",
            "What does Python make of a name to which a function assigns? What does global say?",
            came_back=_last_error(found.log),
            **details,
        )
    seen = Seen(True, False, False, found.log, [reply], [], {})
    return bad_status(seen, reply.status, reply.path, details)


def _last_error(log: str) -> str:
    errors = re.findall(r"^\w*Error: .*$", log, re.MULTILINE)
    return errors[-1] if errors else ""
