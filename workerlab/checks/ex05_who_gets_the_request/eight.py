"""Exercise 05, task 2: eight requests on four workers, in two and a half times one."""

import contextlib
import itertools
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from workerlab.checks import command
from workerlab.checks.blocking_app import NOTES
from workerlab.checks.calling import ask, no_function
from workerlab.checks.ex05_who_gets_the_request.eight_app import TOGETHER, WATCH
from workerlab.checks.ex05_who_gets_the_request.eight_order import may_be_luck
from workerlab.checks.ex05_who_gets_the_request.eight_seen import Seen, works_of
from workerlab.checks.ex05_who_gets_the_request.eight_verdicts import (
    LIMIT,
    judge_commands,
    more_workers,
    not_started,
    verdict_on,
)
from workerlab.checks.ex05_who_gets_the_request.eight_watch import Watch
from workerlab.checks.exercise import source_of
from workerlab.checks.fresh_process import call_each
from workerlab.checks.patience import patience
from workerlab.checks.recording_proxy import Front, front
from workerlab.checks.runner import Result
from workerlab.checks.verdicts import Verdict
from workerlab.server.commands import workers_asked_for
from workerlab.server.processes import is_alive
from workerlab.server.server import Server, end
from workerlab.server.start_errors import ServerDidNotStart

# What the reader's command serves; `watched` imports the cell, within a time limit.
SERVICE = """
import os, traceback
import workerlab.checks.uvicorn_parts
from workerlab.checks.ex05_who_gets_the_request.eight_app import app_around
try:
    from workerlab.checks.watched import its_app
except BaseException:
    traceback.print_exc(limit=-1)
    print("startup failed", flush=True)
    os._exit(1)
app = app_around(its_app)
"""
START_LIMIT = 9.0  # seconds
# By then it is decided: two and a half seconds are over by far, and the order is plain.
CUT = 3.2  # seconds after the first handler began
QUIET = 0.025  # seconds; requests which are not further apart than this are sent together
SETTLED = 0.2  # seconds
PAUSE = 0.02  # seconds from one look to the next


def judge_eight(function: Any) -> Verdict:
    """Serve the cell with its own commands, run its client, and judge by what the workers saw."""
    if verdict := no_function(function):
        return verdict
    commands = getattr(function, "__globals__", {}).get("commands")
    commands = [commands] if isinstance(commands, str) else commands
    verdict = judge_commands(commands)
    if verdict is not None:
        return verdict
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder, Watch() as watch:
        Path(folder, "cell.py").write_text(source_of(function), encoding="utf-8")
        Path(folder, "service.py").write_text(SERVICE)
        # Preloaded, the cell is read once and not four times.
        preload = {"GUNICORN_CMD_ARGS": "--preload"}
        env = {NOTES: folder, WATCH: str(watch.port), **preload}
        try:
            try:
                servers = _start_all(commands, folder, env)
            except ValueError:  # it listens elsewhere than its command line says
                return command.open_to_the_network("\n".join(commands))
            verdict = more_workers(servers)
            if verdict is not None:
                return verdict
            seen = _send(function, servers, watch, {NOTES: folder})
        except ServerDidNotStart as error:
            return not_started(commands, str(error))
        finally:
            watch.let_go()
            _end_all(len(commands))
    return verdict_on(seen)


def _start_all(commands: list[str], folder: str, env: dict[str, str]) -> list[Server]:
    limit = patience(START_LIMIT)

    def start(number: int) -> Server:
        return Server(commands[number], name=f"check {number}", cwd=folder, env=env, timeout=limit)

    with ThreadPoolExecutor(len(commands)) as threads:
        servers = list(threads.map(start, range(len(commands))))
    if any(workers_asked_for(command) is None for command in commands):
        _settle(servers)
    return servers


def _settle(servers: list[Server]) -> None:
    """Wait until no further worker comes, where the command does not say how many there are."""
    count, since = 0, time.monotonic()
    deadline = since + 10 * SETTLED  # a server may start workers again and again
    while time.monotonic() < min(since + SETTLED, deadline):
        time.sleep(PAUSE)
        before, count = count, sum(len(server.workers) for server in servers)
        since = since if count == before else time.monotonic()


def _end_all(count: int) -> None:
    # There is nothing to finish in good order.
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(lambda number: end(f"check {number}", grace=0), range(count)))


def _send(function: Any, servers: list[Server], watch: Watch, env: dict[str, str]) -> Seen:
    """Run the reader's client, through a door before each server."""
    workers = [server.workers for server in servers]
    with contextlib.ExitStack() as stack:
        doors = [stack.enter_context(front(server.port, 0.0, QUIET)) for server in servers]
        watch.hold_back(servers)
        threads = stack.enter_context(ThreadPoolExecutor(1))
        calling = threads.submit(
            call_each,
            function,
            [[[f"{door.url}/work" for door in doors]]],
            first="from workerlab.checks.blocking_app import report_to_me; report_to_me()",
            env=env,
            limit=LIMIT,
        )
        cut = _wait(calling, watch, doors)
        if cut:
            _end_all(len(servers))
        result = calling.result()
        died = not cut and not all(map(is_alive, itertools.chain(*workers)))
        arrivals = [list(door.arrivals) for door in doors]
    works = []
    for number, each in enumerate(arrivals):
        works += works_of(number, each, watch.moments)
    log = "".join(server.log for server in servers)
    flat = list(itertools.chain(*arrivals))
    seen = Seen(result, works, flat, workers, cut, died, log)
    if not cut and not died and may_be_luck(seen):
        watch.let_go()
        seen.together = _together(servers)
    return seen


def _together(servers: list[Server]) -> float | None:
    """The seconds that one worker takes for four requests at once; None: it did not answer."""
    try:
        return ask(f"{servers[0].url}{TOGETHER}")["seconds"]
    except (OSError, ValueError):
        return None


def _wait(calling: Future[Result], watch: Watch, doors: list[Front]) -> float | None:
    """Wait for the client, or until it is decided: then say when that was, monotonic seconds."""
    while not calling.done():
        time.sleep(PAUSE)
        watch.look(doors)
        first, now = watch.first_reached, time.monotonic()
        if first and now > first + CUT and not calling.done():
            return now
    return None
