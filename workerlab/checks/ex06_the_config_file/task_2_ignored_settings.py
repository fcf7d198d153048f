"""Exercise 06, task 2: five statements on a given file, of which a run shows the surprising two."""

from typing import Any

from workerlab.checks.command import launched
from workerlab.checks.config import written
from workerlab.checks.patience import patience
from workerlab.checks.print_config import FILE
from workerlab.checks.runner import run_coroutine
from workerlab.checks.statements import Misconception, refuse_form
from workerlab.checks.verdicts import Verdict, asked_anew, right, too_busy, wrong
from workerlab.load import burst
from workerlab.server import Server

FORM = 2
HINTS = [
    "Which of these settings does Gunicorn's master carry out itself, and which does UvicornWorker "
    "pass on to Uvicorn?",
    "Two of the settings reach neither: one is for a number of connections, one for the form of a "
    "log line. What did lesson 06 say about them?",
    "Lesson 06 timed how long an idle connection stays open, killed a blocked worker, and replaced "
    "others after some requests: so b, c and d are true. What does its table say about the others?",
]

GIVEN = """
bind = "127.0.0.1:8000"
workers = 2
worker_class = "uvicorn_worker.UvicornWorker"
worker_connections = 10
keepalive = 1
timeout = 2
max_requests = 40
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s %(L)s"
"""
AT_ONCE = 30  # requests; fewer than max_requests, with the kit's own
# The handlers of this app end together, so that on a busy machine too they are there at once.
COMMAND = (
    f"gunicorn workerlab.checks.together_app:app -c {FILE} --preload --bind 127.0.0.1:{{port}}"
)
RAN = f"gunicorn -c {FILE}, with the file above, and {AT_ONCE} requests at once"

TRUE = {"a": False, "b": True, "c": True, "d": True, "e": False}
MISTAKES = {
    "a": Misconception(
        "worker-connections",
        "worker_connections does nothing under this worker class.",
        "Who would have to count the connections, and does Uvicorn know the number?",
    ),
    "b": Misconception(
        "keepalive-acts",
        "keepalive acts: UvicornWorker passes it on to Uvicorn, which closes idle connections.",
        "What happened to the idle connection in lesson 06, and after how many seconds?",
    ),
    "c": Misconception(
        "timeout-acts",
        "timeout acts: the master kills a worker whose heartbeats stop.",
        "What happened to the request in lesson 06 that blocked for ten seconds?",
    ),
    "d": Misconception(
        "max-requests-acts",
        "max_requests acts: UvicornWorker passes it on to Uvicorn, which stops at the limit.",
        "What happened to the worker in lesson 06 that had served twenty to thirty requests?",
    ),
    "e": Misconception(
        "log-format",
        "access_log_format does nothing under this worker class: the lines have Uvicorn's form.",
        "Who writes this line: Gunicorn, or Uvicorn in the worker?",
    ),
}


def check(answers: Any) -> Verdict:
    """Compare the answers with what is true, and show on a server what is not in the lesson."""
    if isinstance(answers, set | list | tuple):
        return asked_anew("06")
    refuse_form(answers, MISTAKES)
    missed = next((letter for letter, is_true in TRUE.items() if answers[letter] != is_true), None)
    if missed in ("b", "c", "d"):
        return _missed(missed)
    with written(GIVEN) as folder, launched(COMMAND, cwd=folder) as server:
        at_once, line = _thirty_at_once(server)
    if at_once <= 20 or not line:
        return too_busy(f"only {at_once} of {AT_ONCE} requests were in progress at once")
    seen = f"{at_once} in progress at once with 2 workers; a line of the log: {line}"
    if missed:
        return _missed(missed, ran=RAN, came_back=seen)
    return right(
        "Gunicorn accepts two of these settings silently, and neither has any effect.", RAN, seen
    )


def _missed(letter: str, **details: str) -> Verdict:
    mistake = MISTAKES[letter]
    return wrong(
        mistake.name,
        f"Statement {letter}: {mistake.sentence}",
        mistake.question,
        expected=f'"{letter}": {TRUE[letter]}',
        **details,
    )


def _thirty_at_once(server: Server) -> tuple[int, str]:
    """How many were in progress at one moment, and a line of the access log."""
    run = run_coroutine(burst(f"{server.url}/work?seconds=0.4", AT_ONCE, timeout=patience(8)))
    lines = [line for line in server.log.splitlines() if "/work?" in line]
    return run.peak_overlap, lines[0] if lines else ""
