"""Exercise 04, task 4: who holds the listening socket, and how many sockets there are."""

from typing import Any

from workerlab.checks.answer import name_of
from workerlab.checks.command import launched
from workerlab.checks.ex04_many_workers.task_2_master_and_workers import COMMAND
from workerlab.checks.function import Mistake, Part, is_number, judge_function, refuse_no_function
from workerlab.checks.verdicts import Verdict

HINTS = [
    "A row says: this process holds that socket. When are two rows about the same socket?",
    "How many different numbers are in the second column? And which of the pids in the first "
    "column belong to the master?",
    'Make two sets: "master" or "worker" for each pid, and the numbers of the sockets. Return '
    "the first set, and the length of the second.",
]
Rows = list[list[int]]

# Made-up numbers, as Linux would tell them. Gunicorn with four workers; Gunicorn with two workers
# and a second --bind. Then two servers that are built differently: each worker opens a socket of
# its own (SO_REUSEPORT), and a master that listens alone and hands connections on.
GUNICORN: tuple[Rows, int] = (
    [[20350, 91204], [20355, 91204], [20356, 91204], [20357, 91204], [20358, 91204]],
    20350,
)
OTHERS: list[tuple[Rows, int]] = [
    ([[pid, inode] for pid in (20616, 20617, 20611) for inode in (95310, 95311)], 20611),
    ([[21012, 97441], [21013, 97442], [21014, 97443], [21015, 97444]], 21007),
    ([[21390, 98120]], 21390),
]


def _roles(rows: Rows, master: int) -> list[str]:
    return sorted({"master" if pid == master else "worker" for pid, _ in rows})


ROLES = Part(
    _roles,
    lambda value: isinstance(value, list) and set(map(str, value)) <= {"master", "worker"},
    'a set of "master" and "worker"',
    "other-roles",
    {
        "master-only": Mistake(
            lambda rows, master: ["master"],
            "Your function says that only the master holds the socket.",
            "What does a forked process inherit from its parent?",
        ),
        "everybody-always": Mistake(
            lambda rows, master: ["master", "worker"],
            "Your function always says that master and workers hold it, even where they don't.",
            "Are there servers in which the master, or the workers, hold no listening socket?",
        ),
    },
)
SOCKETS = Part(
    lambda rows, master: len({inode for _, inode in rows}),
    is_number,
    "the number of sockets",
    "another-count",
    {
        "counts-holders": Mistake(
            lambda rows, master: len(rows),
            "Your function counts the rows, and each row is one process's hold on a socket.",
            "Five processes can hold the same socket. Which column shows whether it is the same?",
        ),
        "counts-processes": Mistake(
            lambda rows, master: len({pid for pid, _ in rows}),
            "Your function counts processes, not sockets.",
            "Which of the two columns is the number of the socket?",
        ),
    },
)


def check(function: Any) -> Verdict:
    """Call the function with the rows of a running server and with those of three others."""
    refuse_no_function(function)
    running = _running_server()
    return judge_function(
        function,
        [running, *OTHERS],
        [ROLES, SOCKETS],
        read=_read,
        show=lambda call: (
            f"{name_of(function)}(rows, master), for a Gunicorn that runs now"
            if call is running
            else f"{name_of(function)}({call[0]}, {call[1]})"
        ),
    )


def _read(value: Any) -> Any:
    """The answer with its roles in order, each in the singular."""
    match value:
        case [list(roles), sockets] if all(isinstance(role, str) for role in roles):
            return [sorted(role.strip().lower().removesuffix("s") for role in roles), sockets]
    return value


def _running_server() -> tuple[Rows, int]:
    """The rows of a Gunicorn that runs now; made-up ones where the system tells no inodes."""
    with launched(COMMAND.replace("{count}", "4"), probe=True) as server:
        rows = [[held.pid, held.inode] for held in server.listening()]
        return (rows, server.pid) if rows and all(inode for _, inode in rows) else GUNICORN
