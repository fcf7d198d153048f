"""What is said of a reader's app that does not come up, does not answer, or answers wrong."""

import json
import re
from typing import Any

from workerlab.checks.app import Seen
from workerlab.checks.verdicts import Verdict, could_not_check, wrong

# What FastAPI says when it is to make JSON of one.
UNAWAITED = re.compile(r"'(?:coroutine|Task|Future|_GatheringFuture)' object is not iterable")


def did_not_start(seen: Seen) -> Verdict:
    error = seen.error
    details = {"ran": "your cell, as a module served by Uvicorn", "came_back": error}
    if seen.endless:
        return wrong(
            "never-comes-up",
            "The server did not come up: your cell does not come to its end.",
            "Which line of the cell, outside of the handler, can go on for ever?",
            ran=details["ran"],
        )
    if "ddress already in use" in seen.log or not (seen.failed or error):
        return could_not_check("the server did not come up in time; run the cell again")
    if "module 'cell' has no attribute 'app'" in error:
        return wrong(
            "no-app",
            "Your cell has no `app`.",
            "Which line of the cell makes the FastAPI object, and under which name?",
            **details,
        )
    if error.startswith("NameError"):
        return _needs_another_cell(error, details)
    if "Syntax" in error or error.startswith("IndentationError"):
        return wrong(
            "syntax-error",
            "A server cannot read your cell: it is not a Python module.",
            "Is there a line that only a notebook understands, as an await outside of a function?",
            **details,
        )
    if error.startswith(("ImportError", "ModuleNotFoundError")):
        return wrong(
            "import-error",
            "Your cell imports something that is not there.",
            "Is the name spelt right, and is the package installed here?",
            **details,
        )
    if error:
        return wrong(
            "raises-at-import",
            "Your cell raises an exception before it serves anything.",
            "Which line runs already when the module is imported?",
            **details,
        )
    return wrong(
        "ends-the-process",
        "The server's process ended while it read your cell.",
        "Which line ends the whole program?",
        **details,
    )


def _needs_another_cell(error: str, details: dict[str, str]) -> Verdict:
    return wrong(
        "needs-another-cell",
        f"Your cell does not work alone: {error.splitlines()[0]}",
        "Is everything that the app uses imported or defined in its own cell?",
        **details,
    )


def no_reply(error: str, details: dict[str, str]) -> Verdict:
    if "time limit" in error or "without an end" in error:
        return wrong(
            "never-answers",
            f"There was {error}.",
            "Which line of your handler can wait, or go on, for ever?",
            **details,
        )
    return wrong(
        "ends-the-server",
        f"Instead of a reply: {error}.",
        "Which line of your handler ends the whole program?",
        **details,
    )


def bad_status(seen: Seen, status: int, path: str, details: dict[str, str]) -> Verdict:
    details = {**details, "came_back": f"status {status}\n{seen.error}".strip()}
    if status in (404, 405):
        return wrong(
            "endpoint-missing",
            f"Your app does not answer a GET of {path}: the status is {status}.",
            "Which path and which method stand in the decorator?",
            **details,
        )
    if status < 500:
        return wrong(
            "asks-for-more",
            f"Your app refuses the request with status {status}.",
            "Which parameters does your handler ask for, and does the request have them?",
            **details,
        )
    error = seen.error
    if error.startswith("NameError"):
        return _needs_another_cell(error, details)
    if "asyncio.run() cannot be called" in seen.log or "loop is already running" in seen.log:
        return wrong(
            "second-loop",
            "Your handler wants to start an event loop in a thread where one is running.",
            "Who runs your handler, if it is async def? What may you write instead of asyncio.run?",
            **details,
        )
    if "used in 'await' expression" in seen.log or "can't be awaited" in seen.log:
        return wrong(
            "awaits-a-value",
            "Your handler awaits something that cannot be awaited.",
            "What does the call before `await` sees it give back: a coroutine, or a plain value?",
            **details,
        )
    if "was never awaited" in seen.log or UNAWAITED.search(seen.log):
        return not_awaited(details)
    return wrong(
        "raises",
        "Your handler raised an exception.",
        "Which line does the error come from?",
        **details,
    )


def not_awaited(details: dict[str, str]) -> Verdict:
    return wrong(
        "not-awaited",
        "Your handler makes a coroutine, and nobody awaits it.",
        "What happens when a coroutine function is called, and what only when it is awaited?",
        **details,
    )


def before_it_was_done(details: dict[str, str]) -> Verdict:
    return wrong(
        "answered-before-done",
        "Your handler starts the work and answers before it is done.",
        "How can a handler let the loop go on, and still not reply until the work is done?",
        **details,
    )


def another_answer(seen: Seen, body: Any, details: dict[str, str], expected: str) -> Verdict:
    details = {**details, "came_back": json.dumps(body)[:300], "expected": expected}
    if "was never awaited" in seen.log:
        return not_awaited(details)
    if body is None:
        return wrong(
            "nothing-returned",
            "Your handler returns nothing.",
            "Which line hands the answer back?",
            **details,
        )
    if seen.watched["left"]:
        return before_it_was_done(details)
    return wrong(
        "answer-changed",
        "Your app gives another answer than before.",
        "Can a client of the old app tell the difference?",
        **details,
    )
