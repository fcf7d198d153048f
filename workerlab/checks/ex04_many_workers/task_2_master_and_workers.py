"""Exercise 04, task 2: which process is the master of the server at a port, and its workers."""

import contextlib
from typing import Any

import psutil

from workerlab.checks.answer import name_of
from workerlab.checks.command import launched
from workerlab.checks.ex04_many_workers.renumbered import renumbered
from workerlab.checks.function import Part, refuse_form, refuse_no_function, returned_by
from workerlab.checks.runner import PREPARED_BY, call_in_subprocess
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.server import processes

HINTS = [
    "What do you know about the server? Its port. Which processes have something to do with it?",
    "psutil.Process(pid).net_connections() lists a process's sockets: which of them listen on "
    "the port? And of those processes, which one is the parent of the others?",
    "Go through psutil.process_iter() and keep the processes with a connection whose status is "
    "psutil.CONN_LISTEN and whose laddr.port is the port (skip a process that raises "
    "psutil.Error). The master is the one whose ppid() is not among them.",
]
COMMAND = (
    "gunicorn workerlab.checks.ex04_many_workers.blocking_app:app --preload --workers {count}"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
COUNTS = (3, 2)
# Seconds for the calls; starting the servers takes two or three of the ten.
LIMIT, SECOND_LIMIT = 4.0, 2.5
OTHER = "other-pids"
OTHER_NUMBERS = {PREPARED_BY: "workerlab.checks.ex04_many_workers.renumbered"}


def are_pids(value: Any) -> bool:
    """Whether it is a list of whole numbers."""
    return isinstance(value, list) and all(type(pid) is int for pid in value)


PARTS = [
    Part(lambda port: 0, lambda pid: are_pids([pid]), "the pid of the master", OTHER),
    Part(lambda port: [], are_pids, "the list of its workers' pids", OTHER),
]


def check(function: Any) -> Verdict:
    """Call the function for two servers at once, and again where pids fall from parent to child."""
    refuse_no_function(function)
    ran = f"{name_of(function)}(port), for two servers that run side by side"
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(
                launched(COMMAND.replace("{count}", str(count)), f"check {count}", probe=True)
            )
            for count in COUNTS
        ]
        calls = [[server.port] for server in servers]
        result = returned_by(function, calls, ran, limit=LIMIT)
        for server, value in zip(servers, result.value, strict=True):
            master, workers = server.pid, server.workers
            details = _details(ran, value, master, workers)
            refuse_form(value, result.kind, PARTS, details)
            if _pair(value) != [master, workers]:
                return _other_pids(value[0], set(value[1]), master, set(workers), details)
        again = call_in_subprocess(function, calls, env=OTHER_NUMBERS, limit=SECOND_LIMIT)
        if again.kind == "too long":
            return too_busy("a second call of your function took too long")
        # One that asks other programs too may find nothing under psutil's other numbers.
        values = again.value if again.kind == "returned" else []
        for server, value in zip(servers, values, strict=False):
            master, workers = renumbered(server.pid), sorted(map(renumbered, server.workers))
            pair = _pair(value) or [0, []]
            if pair != [master, workers] and {pair[0], *pair[1]} <= {master, *workers}:
                ran += ", where psutil shows other numbers, and the master's is the largest"
                return wrong(
                    "smallest-pid",
                    "Your function takes the smallest pid for the master's. That is right only "
                    "until pids start again from the beginning.",
                    "What makes a process the parent of another, whatever their numbers?",
                    **_details(ran, value, master, workers),
                )
    return right(
        "your function tells the master from its workers, for both servers.",
        ran,
        str(result.value),
    )


def _details(ran: str, value: Any, master: int, workers: list[int]) -> dict[str, str]:
    return {
        "ran": ran,
        "came_back": f"{value!r:.300}\nthe master: {master}, the workers: {workers}",
        "expected": "the master's pid and those of its workers",
    }


def _pair(value: Any) -> list[Any] | None:
    """The master and its workers in order; None where it is something else."""
    match value:
        case [master, list(workers)] if are_pids([master, *workers]):
            return [master, sorted(workers)]
    return None


def _other_pids(
    got_master: int, listed: set[int], master: int, workers: set[int], details: dict[str, str]
) -> Verdict:
    above = {parent.pid for parent in psutil.Process(master).parents()}
    # The reader may have a Gunicorn running as well.
    gunicorns = {one.pid for one in psutil.process_iter() if "gunicorn" in processes.command(one)}
    others = gunicorns - {master} - workers
    # Whether it is so, the misconception, a sentence, a question: the first that is so is told.
    rows = [
        (
            got_master in above,
            "one-level-too-high",
            "The master you return is a process above Gunicorn, which started it.",
            "Which process did you start from: a worker, or already the master?",
        ),
        (
            got_master in others or bool(listed & others),
            "all-servers-mixed",
            "Your answer includes processes of a different server, on another port.",
            "Where does your function use the port? Have all Gunicorn processes the same master?",
        ),
        (
            got_master in workers,
            "a-worker-for-the-master",
            "The master you return is a worker: workers listen too.",
            "Several processes hold the one socket. Which of them has the others as children?",
        ),
        (
            master in listed,
            "master-among-workers",
            "The master is in the list of its own workers.",
            "What do all workers have in common that the master doesn't? Whose children are they?",
        ),
        (
            listed < workers,
            "not-all-workers",
            "The master is right, but workers are missing from the list.",
            "Where does your search stop: at the first match, or after the last process?",
        ),
    ]
    for is_so, misconception, sentence, question in rows:
        if is_so:
            return wrong(misconception, sentence, question, **details)
    return wrong(
        OTHER,
        "This is not the server's master with its workers, each of them once.",
        "How can you tell that a process listens on the port, and whose child it is?",
        **details,
    )
