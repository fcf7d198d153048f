"""Exercise 04, task 2: which process is the master of the server at a port, and its workers."""

import contextlib
from typing import Any

import psutil

from workerlab.checks.calling import did_not_return, no_function, returned_nothing
from workerlab.checks.command import launched
from workerlab.checks.exercise import name_of
from workerlab.checks.fresh_process import call_each
from workerlab.checks.verdicts import Verdict, right, wrong
from workerlab.server import processes
from workerlab.server.server import Server

COMMAND = (
    "gunicorn workerlab.checks.blocking_app:app --preload --workers {count}"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
COUNTS = (3, 2)
LIMIT = 5.5  # seconds for each call; starting two servers takes the rest of the ten


def judge_search(function: Any) -> Verdict:
    """Call the function for each of two servers which run at the same time."""
    if verdict := no_function(function):
        return verdict
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(launched(COMMAND.replace("{count}", str(count)), f"check {count}"))
            for count in COUNTS
        ]
        for server, count in zip(servers, COUNTS, strict=True):
            verdict = _one(function, server, count)
            if verdict.outcome == "wrong":
                break
    return verdict


def _one(function: Any, server: Server, count: int) -> Verdict:
    ran = f"{name_of(function)}(port), for one of two servers which run side by side"
    result = call_each(function, [[server.port]], limit=LIMIT)
    if result.kind not in ("returned", "not json"):
        return did_not_return(result, ran)
    value = result.value[0] if result.kind == "returned" else result.value
    master, workers = server.pid, server.workers
    details = {
        "ran": ran,
        "came_back": f"{value!r}"[:300],
        "expected": f"({master}, {workers}), the master and its {count} workers",
    }
    verdict = _shape(result.kind, value, details)
    if verdict is not None:
        return verdict
    got_master, got_workers = value[0], set(value[1])
    if got_master == master and got_workers == set(workers) and len(value[1]) == len(workers):
        return right(
            "your function tells the master from its workers, for both servers.",
            ran,
            f"{value!r}",
        )
    # The reader may have a Gunicorn running as well.
    ours = {master, *workers}
    others = {one.pid for one in psutil.process_iter() if "gunicorn" in processes.command(one)}
    return _other_pids(got_master, value[1], server, others - ours, details)


def _shape(kind: str, value: Any, details: dict[str, str]) -> Verdict | None:
    if value is None:
        return returned_nothing(details)
    if kind == "not json":
        return wrong(
            "objects-not-pids",
            "Your function returns objects, and not the numbers of the processes.",
            "Which attribute of a psutil.Process is its number?",
            **details,
        )
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], list):
        return wrong(
            "another-shape",
            "This is not a pair of one pid and a list of pids.",
            "What would `master, workers = master_and_workers(port)` make of it?",
            **details,
        )
    pids = [value[0], *value[1]]
    if any(isinstance(pid, str) for pid in pids):
        return wrong(
            "text-not-number",
            "A pid of yours is a text and not a number.",
            "What does int() do?",
            **details,
        )
    if any(not isinstance(pid, int) for pid in pids):
        return wrong(
            "no-master-found",
            "In the place of a pid stands something else.",
            "What does your function do when its search ends without a find?",
            **details,
        )
    return None


def _other_pids(
    got_master: int, listed: list[int], server: Server, others: set[int], details: dict[str, str]
) -> Verdict:
    got_workers, master, workers = set(listed), server.pid, set(server.workers)
    ours = {master, *workers}
    if got_master not in ours and got_workers == {master}:
        return wrong(
            "one-level-too-high",
            "What you give as the master is the process which started Gunicorn.",
            "Which process did you take as the first: a worker, or already the master?",
            **details,
        )
    if got_master in others and got_workers <= others | {got_master}:
        return wrong(
            "another-server",
            "These are processes of the other server, which runs at another port.",
            "Where does your function use the port?",
            **details,
        )
    if others & {got_master, *got_workers}:
        return wrong(
            "all-servers-mixed",
            "There are processes of another server among them.",
            "Are all Gunicorn processes of a machine children of the same master?",
            **details,
        )
    if master in got_workers and got_master == master:
        return wrong(
            "master-among-workers",
            "The master stands among its own workers.",
            "What do all workers have in common that the master has not? Whose children are they?",
            **details,
        )
    if got_master in workers and got_workers == {master}:
        return wrong(
            "master-and-worker-swapped",
            "The master and a worker stand in each other's place.",
            "Which of the two is the other's parent?",
            **details,
        )
    if got_master in workers:
        return wrong(
            "a-worker-for-the-master",
            "What you give as the master is a worker: it listens too.",
            "Several processes hold the one socket. Which of them has the others as children?",
            **details,
        )
    if got_master != master:
        return wrong(
            "another-process",
            "What you give as the master has nothing to do with this server.",
            "How do you know from a process that it listens on the port?",
            **details,
        )
    if not got_workers:
        return wrong(
            "no-workers",
            "The master is right, and there is no worker in the list.",
            "How does one ask a process for its children?",
            **details,
        )
    if got_workers < workers:
        return wrong(
            "not-all-workers",
            f"The list has {len(got_workers)} of {len(workers)} workers.",
            "Where does your search end: at the first find, or at the last process?",
            **details,
        )
    if got_workers == workers:
        return wrong(
            "a-worker-twice",
            "A worker stands more than once in the list.",
            "Once for each what does your loop add a pid?",
            **details,
        )
    return wrong(
        "others-among-workers",
        "Not every process in the list is a worker of this server.",
        "Whose children are the workers?",
        **details,
    )
