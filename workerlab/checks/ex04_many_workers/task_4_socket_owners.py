"""Exercise 04, task 4: who holds the listening socket, and how many sockets there are."""

from collections.abc import Callable
from typing import Any

from workerlab.checks.calling import did_not_return, no_function, no_pair
from workerlab.checks.command import launched
from workerlab.checks.ex04_many_workers.task_2_master_and_workers import COMMAND
from workerlab.checks.exercise import name_of
from workerlab.checks.fresh_process import call_each
from workerlab.checks.runner import QUICK
from workerlab.checks.verdicts import Verdict, right, wrong

Rows = list[list[int]]
ROLES = ("master", "worker")

# Made-up numbers, as Linux would tell them. Gunicorn with four workers; Gunicorn with two workers
# and a second --bind. Then two servers of another build: each worker opens a socket of its own
# (SO_REUSEPORT), and a master which listens alone and hands connections on.
GUNICORN: tuple[int, Rows] = (
    20350,
    [[20350, 91204], [20355, 91204], [20356, 91204], [20357, 91204], [20358, 91204]],
)
TWO_ADDRESSES: tuple[int, Rows] = (
    20611,
    [[pid, inode] for pid in (20616, 20617, 20611) for inode in (95310, 95311)],
)
OWN_SOCKETS: tuple[int, Rows] = (
    21007,
    [[21012, 97441], [21013, 97442], [21014, 97443], [21015, 97444]],
)
MASTER_ALONE: tuple[int, Rows] = (21390, [[21390, 98120]])

Mistake = Callable[[int, Rows], Any]
ROLE_MISTAKES: dict[str, tuple[Mistake, str, str]] = {
    "master-only": (
        lambda master, rows: {"master"},
        "Your function says that only the master holds the socket.",
        "What does a forked process inherit from its parent?",
    ),
    "workers-only": (
        lambda master, rows: {"worker"},
        "Your function says that only workers hold the socket.",
        "Is the pid of the master among the rows?",
    ),
    "everybody-always": (
        lambda master, rows: {"master", "worker"},
        "Your function always says that master and workers hold it, also where that is not so.",
        "Are there servers in which the master, or the workers, hold no listening socket?",
    ),
    "first-row-only": (
        lambda master, rows: {"master" if rows[0][0] == master else "worker"},
        "Your function looks at the first row only.",
        "Where does your loop end?",
    ),
    "roles-swapped": (
        lambda master, rows: {"worker" if pid == master else "master" for pid, _ in rows},
        "Your function calls the master a worker, and the workers masters.",
        "What does it mean when a row's pid equals `master`?",
    ),
}
COUNT_MISTAKES: dict[str, tuple[Mistake, str, str]] = {
    "counts-holders": (
        lambda master, rows: len(rows),
        "Your function counts the rows, and each row is one process's hold on a socket.",
        "Five processes can hold the same socket. Which column tells whether it is the same?",
    ),
    "counts-processes": (
        lambda master, rows: len({pid for pid, _ in rows}),
        "Your function counts processes and not sockets.",
        "Which of the two columns is the number of the socket?",
    ),
    "always-one": (
        lambda master, rows: 1,
        "Your function always says that there is one socket.",
        "How many sockets does a server with two addresses have?",
    ),
}


def judge_holders(function: Any) -> Verdict:
    """Call the function on the rows of a running server and on those of three others."""
    if verdict := no_function(function):
        return verdict
    cases = [_running_server(), TWO_ADDRESSES, OWN_SOCKETS, MASTER_ALONE]
    result = call_each(function, [[rows, master] for master, rows in cases], limit=QUICK)
    ran = f"{name_of(function)}(rows, master), for four servers"
    if result.kind not in ("returned", "not json"):
        return did_not_return(result, ran)
    expected = [[sorted(_roles(*case)), _sockets(*case)] for case in cases]
    details = {
        "ran": ran,
        "came_back": str(result.value)[:500],
        "expected": str(expected),
    }
    verdict = _shape(result.kind, result.value, details)
    if verdict is not None:
        return verdict
    roles = [{_singular(role) for role in answer[0]} for answer in result.value]
    counts = [answer[1] for answer in result.value]
    if len({(frozenset(roles), count) for roles, count in zip(roles, counts, strict=True)}) == 1:
        return wrong(
            "fixed-answer",
            "Your function says the same of four different servers.",
            "Does the answer come from the rows?",
            **details,
        )
    verdict = _compare(roles, cases, _roles, ROLE_MISTAKES, "other-roles", details)
    verdict = verdict or _compare(counts, cases, _sockets, COUNT_MISTAKES, "another-count", details)
    if verdict is not None:
        return verdict
    if any(len(answer[0]) > len(set(answer[0])) for answer in result.value):
        return wrong(
            "a-role-for-each-row",
            "A role stands more than once in the answer.",
            "What does a set do with what it has already?",
            **details,
        )
    return right("your function reads it from the numbers, for four servers.", ran)


def _shape(kind: str, answers: Any, details: dict[str, str]) -> Verdict | None:
    """The verdict on answers which are not all a set of roles and a number."""
    if kind == "not json":
        return wrong(
            "objects",
            "Your function returns objects, and not roles and a number.",
            "What do you want to know of the rows?",
            **details,
        )
    for answer in answers:
        if (
            verdict := no_pair(
                answer, "roles and a number", "roles, sockets = who_holds(rows, master)", details
            )
        ) is not None:
            return verdict
        roles, sockets = answer
        if isinstance(roles, int) and isinstance(sockets, list):
            return wrong(
                "the-other-way-round",
                "The number stands first, and the roles behind it.",
                "In which order does the task ask for them?",
                **details,
            )
        if isinstance(sockets, list):
            return wrong(
                "sockets-not-counted",
                "In the place of a number stands a list of sockets.",
                "What tells how many there are in it?",
                **details,
            )
        if isinstance(roles, list) and any(isinstance(role, int) for role in roles):
            return wrong(
                "pids-not-roles",
                "Your function names the processes by their pids, and not what they are.",
                "How do you tell from a pid whether it is the master's?",
                **details,
            )
        if (
            not isinstance(sockets, int)
            or not isinstance(roles, list)
            or not all(isinstance(role, str) and _singular(role) in ROLES for role in roles)
        ):
            return wrong(
                "other-words",
                'The roles are to be a set of "master" and "worker", and the sockets a number.',
                "What is the type of each of the two that you return?",
                **details,
            )
    return None


def _compare(
    got: list[Any],
    cases: list[tuple[int, Rows]],
    meant: Mistake,
    mistakes: dict[str, tuple[Mistake, str, str]],
    otherwise: str,
    details: dict[str, str],
) -> Verdict | None:
    """None if `got` is what is meant; else the mistake which makes it of these cases."""
    if got == [meant(*case) for case in cases]:
        return None
    for misconception, (mistake, sentence, question) in mistakes.items():
        if got == [mistake(*case) for case in cases]:
            return wrong(misconception, sentence, question, **details)
    return wrong(
        otherwise,
        "This is not what the rows say.",
        "Which rows did your function make this of? Print them beside its answer.",
        **details,
    )


def _roles(master: int, rows: Rows) -> set[str]:
    return {"master" if pid == master else "worker" for pid, _ in rows}


def _sockets(master: int, rows: Rows) -> int:
    return len({inode for _, inode in rows})


def _singular(role: str) -> str:
    return role.strip().lower().removesuffix("s")


def _running_server() -> tuple[int, Rows]:
    """The rows of a Gunicorn which runs now; made-up ones where inodes are not told."""
    with launched(COMMAND.replace("{count}", "4")) as server:
        rows = [[held.pid, held.inode] for held in server.listening()]
        return (server.pid, rows) if rows and all(inode for _, inode in rows) else GUNICORN
