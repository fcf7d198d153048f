"""The checks of exercise 04: four workers, who is who, one request for each, who listens."""

from typing import Any

from workerlab.checks.ex04_many_workers.task_1_command import judge_command
from workerlab.checks.ex04_many_workers.task_2_master_and_workers import judge_search
from workerlab.checks.ex04_many_workers.task_3_four_on_four import judge_four
from workerlab.checks.ex04_many_workers.task_4_socket_owners import judge_holders
from workerlab.checks.exercise import Exercise
from workerlab.checks.verdicts import Verdict

check = Exercise("04")


@check.task(
    1,
    hints=[
        "Which program was the master in lesson 04, and what did its command say beyond the app?",
        "Three things are asked for: how many workers, of which class, at which address. Which "
        "option is for each? And must an access log be switched off, or is it never switched on?",
        "gunicorn, the app, then --workers with 4, --worker-class with the class UvicornWorker of "
        "the package uvicorn_worker, and --bind with 127.0.0.1, a colon and {port}.",
    ],
)
def gunicorn_command(command: Any) -> Verdict:
    return judge_command(command)


@check.task(
    2,
    hints=[
        "What do you know of the server? Its port. Which processes have something to do with it?",
        "psutil.Process(pid).net_connections() lists a process's sockets: which of them listen at "
        "the port? And of those processes, which one is the parent of the others?",
        "Go through psutil.process_iter(), keep those with a connection whose status is "
        "psutil.CONN_LISTEN and whose laddr.port is the port (skip a process which raises "
        "psutil.Error). The master is the one whose ppid() is not among them.",
    ],
)
def master_and_workers(function: Any) -> Verdict:
    return judge_search(function)


@check.task(
    3,
    hints=[
        "A worker that blocks accepts nothing. So when is it safe to send the next request?",
        "It need not be answered, but it must have begun. How long does a handler take, and how "
        "long does it need to begin?",
        "Either start a task for each request with asyncio.create_task and sleep for 0.2 s between "
        'them, or let the kit do it: await burst(url, 4, after="began").',
    ],
)
def four_on_four(function: Any) -> Verdict:
    return judge_four(function)


@check.task(
    4,
    hints=[
        "A row says: this process holds that socket. When are two rows about the same socket?",
        "How many different numbers stand in the second column? And which of the pids in the "
        "first column are the master's?",
        'Make two sets: "master" or "worker" for each pid, and the numbers of the sockets. Return '
        "the first set, and the length of the second.",
    ],
)
def who_holds(function: Any) -> Verdict:
    return judge_holders(function)
