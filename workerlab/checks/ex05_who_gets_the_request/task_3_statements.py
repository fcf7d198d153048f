"""Exercise 05, task 3: four statements on who gets the request, each tried out."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import aiohttp

from workerlab.checks.patience import patience
from workerlab.checks.verdicts import Verdict, could_not_check, not_attempted, right, wrong
from workerlab.load import burst
from workerlab.server.server import Server, end

COMMAND = (
    # Preloaded, the app is imported once and not four times; who gets what stays the same.
    "gunicorn app.main:app --preload --workers 4"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
COMMANDS = {"check-shared": COMMAND, "check-own": f"{COMMAND} --reuse-port"}
BLOCKED = (0.4, 2.0)  # seconds; the second where the first was too short for this machine
ENOUGH = 12  # requests while a worker is blocked
# Where chance shares out, so many miss a given one of four workers once in 100,000 times.
MOST = 40


@dataclass
class Tried:
    """Whether an experiment bears a statement out, what it was and what came of it.

    `holds` is None where the machine was too slow to tell.
    """

    holds: bool | None
    ran: str
    came_back: str


# What is said of a wrong answer: the misconception, a sentence, a question.
MISTAKES: dict[str, tuple[str, str, str]] = {
    "a": (
        "master-deals-in-turn",
        "The requests were answered while the master was stopped, so it hands out none.",
        "Who holds the listening socket beside the master, and what can they do with it?",
    ),
    "b": (
        "blocked-worker-accepts",
        "No connection that came while the worker was blocked went to it.",
        "Which thread would have to accept the connection, and what is it doing?",
    ),
    "c": (
        "connection-wanders",
        "All requests of the one connection went to the same worker.",
        "What does a worker accept: a request, or a connection?",
    ),
    "d": (
        "kernel-knows-who-is-busy",
        "The kernel gave a new connection to the worker that was blocked, and it waited.",
        "By what does the kernel choose among several sockets, and does it know your handlers?",
    ),
}


def judge_statements(answers: Any) -> Verdict:
    """Try the four statements and hold the answers against what was seen."""
    verdict = _form(answers)
    if verdict is not None:
        return verdict
    with ThreadPoolExecutor(len(COMMANDS)) as threads:
        try:
            shared, own = threads.map(lambda name: Server(COMMANDS[name], name=name), COMMANDS)
            # In a thread: a notebook has a running loop of its own.
            tried = threads.submit(asyncio.run, _try_all(shared, own)).result()
        finally:
            list(threads.map(lambda name: end(name, grace=0), COMMANDS))
    for letter, trial in tried.items():
        if trial.holds is None:
            return could_not_check(f"the machine was too slow to tell of {letter}: run it again")
        if answers[letter] != trial.holds:
            misconception, sentence, question = MISTAKES[letter]
            return wrong(
                misconception,
                f"Statement {letter}: {sentence[0].lower()}{sentence[1:]}",
                question,
                ran=trial.ran,
                came_back=trial.came_back,
                expected=f'"{letter}": {trial.holds}',
            )
    return right(
        "all four, as the experiments have it.",
        "an experiment for each statement",
        "; ".join(f"{letter}: {trial.came_back}" for letter, trial in tried.items()),
    )


def _form(answers: Any) -> Verdict | None:
    expected = 'a dict with "a", "b", "c" and "d", each True or False'
    if not isinstance(answers, dict):
        return wrong(
            "not-a-dict",
            f"The answer is of type {type(answers).__name__} and not a dict.",
            "What did the cell look like before you changed it?",
            expected=expected,
        )
    if any(value is ... for value in answers.values()):
        return not_attempted()
    if set(answers) != set(MISTAKES):
        return wrong(
            "not-these-four",
            f"The answer is for {', '.join(map(str, answers)) or 'nothing'}.",
            "Which statements does the task have, and by which letters?",
            expected=expected,
        )
    if not all(isinstance(value, bool) for value in answers.values()):
        return wrong(
            "not-true-or-false",
            "One of the answers is neither True nor False.",
            "What is the difference between True and a text in quotation marks?",
            came_back=repr(answers)[:300],
            expected=expected,
        )
    return None


async def _try_all(shared: Server, own: Server) -> dict[str, Tried]:
    tried_own = asyncio.ensure_future(_while_blocked(own, "--reuse-port", MOST))
    return {
        "a": await _without_master(shared),
        "b": await _while_blocked(shared, "one socket for all", ENOUGH),
        "c": await _one_connection(shared),
        "d": await tried_own,
    }


async def _without_master(server: Server) -> Tried:
    """Send requests while the master cannot do anything."""
    master = server.pid
    os.kill(master, signal.SIGSTOP)
    try:
        run = await burst(f"{server.url}/health", 12, after="received", timeout=patience(4))
    finally:
        os.kill(master, signal.SIGCONT)
    pids = sorted({record.worker for record in run.records if record.ok})
    order = ", ".join(str(pids.index(record.worker) + 1) for record in run.records if record.ok)
    return Tried(
        bool(run.failures),
        "12 requests, one after the other, while the master was stopped (SIGSTOP)",
        f"{len(run) - len(run.failures)} of 12 answered, by the workers no. {order}",
    )


async def _while_blocked(server: Server, sockets: str, enough: int) -> Tried:
    """Send quick requests, each on a connection of its own, while a handler blocks one worker."""
    ran = f"a worker blocked by /slow, and up to {MOST} requests to /health meanwhile; {sockets}"
    for seconds in BLOCKED:
        # The first sends on when it has begun, each of the others when it is answered.
        urls = [f"{server.url}/slow?seconds={seconds}", *[f"{server.url}/health"] * MOST]
        slow, *quick = (await burst(urls, after="began", timeout=patience(8))).records
        if slow.ended is None:
            continue
        meanwhile = [record for record in quick if record.ok and record.sent < slow.ended]
        numbers = [i for i, record in enumerate(meanwhile, 1) if record.worker == slow.worker]
        if numbers:
            waited = meanwhile[numbers[0] - 1].latency
            what = f"request no. {numbers[0]} went to the blocked worker and waited {waited:.2f} s"
            return Tried(False, ran, f"{what}, while three workers were idle")
        if len(meanwhile) >= enough:
            return Tried(True, ran, f"0 of {len(meanwhile)} requests went to the blocked worker")
    return Tried(None, ran, "")


async def _one_connection(server: Server) -> Tried:
    """Send requests through one connection which is kept alive."""
    made, pids = 0, []

    async def count(*_: Any) -> None:
        nonlocal made
        made += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(count)
    connector = aiohttp.TCPConnector(limit=1)
    limit = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(
        connector=connector, timeout=limit, trace_configs=[trace]
    ) as session:
        for _ in range(12):
            async with session.get(f"{server.url}/health") as response:
                pids.append((await response.json())["worker_pid"])
    return Tried(
        len(set(pids)) == 1 if made == 1 else None,
        "12 requests through one connection",
        f"{made} connection, {len(set(pids))} worker",
    )
