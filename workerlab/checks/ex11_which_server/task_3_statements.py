"""Exercise 11, task 3: six statements on the three servers, each tried by a trial of the kit.

A trial may be inconclusive on a busy machine, but never the opposite of what is true: what does not
happen in time counts for nothing, unless waiting longer could not bring it about.
"""

import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from workerlab.checks.statements import Misconception, Trial, judge_statements, refuse_form
from workerlab.checks.verdicts import Verdict
from workerlab.server.settings import (
    ACTS,
    ASGI,
    DIFFERS,
    IGNORED,
    TRIALS,
    UVICORN,
    UVICORN_WORKER,
    Kind,
    ask,
)
from workerlab.server.start_errors import ServerDidNotStart

HINTS = [
    "Which row of lesson 11's matrix is each statement about, and which column?",
    "fill([row, ...], [UVICORN]) tries rows on one server. a is killed_worker, b hup_import_error, "
    "c access_log_format, d forwarded_for, e int_at_once, f lifespan_error. Does the statement say "
    "what the trial asks, or the opposite?",
    "b, d and f are the ones that surprise. For b, try UVICORN_WORKER, for d ASGI, for f UVICORN: "
    "if the verdict isn't acts, the statement is false.",
]


# The trial and the server of a statement, and the one verdict that can be relied on: what it says.
STATEMENTS: dict[str, tuple[str, Kind, str, bool]] = {
    "a": ("killed_worker", UVICORN, ACTS, True),
    "b": ("hup_import_error", UVICORN_WORKER, DIFFERS, False),
    "c": ("access_log_format", ASGI, ACTS, True),
    "d": ("forwarded_for", ASGI, IGNORED, False),
    "e": ("int_at_once", ASGI, ACTS, True),
    "f": ("lifespan_error", UVICORN, DIFFERS, False),
}
MISCONCEPTIONS = {
    "a": Misconception(
        "only-gunicorn-replaces",
        "Uvicorn's master missed the killed worker and started another.",
        "With --workers 2, how many processes does Uvicorn have, and what is the third one for?",
    ),
    "b": Misconception(
        "the-old-code-stays",
        "After HUP with code that can't be imported, Gunicorn no longer answered with the old.",
        "When do Gunicorn's old workers leave: when the new ones are started, or when they are "
        "ready?",
    ),
    "c": Misconception(
        "nobody-reads-the-format",
        "The line in the log had the form that was asked for.",
        "Who writes this line: Uvicorn, as under UvicornWorker, or Gunicorn?",
    ),
    "d": Misconception(
        "asgi-sees-the-client",
        "The app saw the proxy's address and not the client's, though the proxy was trusted.",
        "Which of the proxy's headers does asgi heed: the one with the scheme, or both?",
    ),
    "e": Misconception(
        "int-is-graceful",
        "The server was gone long before a request of twelve seconds could have ended.",
        "Which signal is graceful on all three servers, and is it this one?",
    ),
    "f": Misconception(
        "exit-code-tells",
        "Uvicorn did not end with an exit code that would tell of the failure.",
        "What does systemd learn from an exit code of 0, or from a server that starts its workers "
        "again and again?",
    ),
}


def check(answers: Any) -> Verdict:
    """Run the six trials side by side and compare the answers with what they say."""
    refuse_form(answers, MISCONCEPTIONS)
    with ThreadPoolExecutor(len(STATEMENTS)) as threads:
        trials = dict(zip(STATEMENTS, threads.map(_try, STATEMENTS.values()), strict=True))
    return judge_statements(answers, trials, MISCONCEPTIONS)


def _try(statement: tuple[str, Kind, str, bool]) -> Trial:
    row, kind, verdict, holds = statement
    try:
        said = ask(row, kind)
    except ServerDidNotStart:
        said = "the server did not start in time"
    asked = (inspect.getdoc(TRIALS[row]) or "").splitlines()[0]
    ran = f"the trial {row} of lesson 11 on {kind.name}: {asked}"
    return Trial(holds if said == verdict else None, ran, f"{row} on {kind.name}: {said}")
