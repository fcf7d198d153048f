"""Exercise 09, task 3: new code comes into service, and no request notices.

A client asks throughout, each time on a new connection; another request is in progress on the old
worker until the new one has been ready for a while. The log's order tells why nobody answered.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from signal import SIGKILL
from typing import Any

from workerlab.checks.app import LOOPBACK
from workerlab.checks.command import launched
from workerlab.checks.ex09_zero_downtime.apps import HELD, HELD_ON, MADE, READY
from workerlab.checks.ex09_zero_downtime.task_2_lost_and_gap import gap
from workerlab.checks.function import refuse_no_function, returned_by
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Record
from workerlab.server import Server
from workerlab.server.guard_process import send
from workerlab.server.processes import is_alive

HINTS = [
    "Which signal starts a second master beside the first, with the new code? Which of the two "
    "answers until the new workers are ready?",
    "How can you tell that new code answers? What does version(port) return before, and what "
    "afterwards? And which signal asks the old master to finish what it has and to leave?",
    "Note version(port); send SIGUSR2 to pid; call version(port) every 0.1 s until it returns "
    "something else; then send SIGTERM to pid.",
]
COMMAND = (
    "gunicorn shop:app --chdir {folder} --no-control-socket --workers 1"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
APP = "from workerlab.checks.ex09_zero_downtime.apps import made\n"
IMPORT = 3.0  # seconds of the new version
AWAY = IMPORT + 2.0  # seconds without an answer, or without the new version, that are enough
GAP = 0.5  # seconds
MOST_REFUSED = 40  # connections, within two seconds: there is nothing more to learn
LIMIT = 9.0  # seconds for the function: the import, the start, what is held
LEAVE = HELD_ON + 1.5  # seconds after which an old worker has left that was told to
NAME = "deploy(pid, port)"
RAN = f"{NAME}, with requests throughout, and one in progress on the old worker"
EXPECTED = f"each request is answered, no gap is over {GAP} s, and only the new code is left"
# In the log: the old code begins to leave.
LEAVING = r"Handling signal: (?:hup|term|quit|int|ttou)|Shutting down|was sent SIG"


@dataclass
class Seen:
    """What the clients and the log saw, and whether the old worker is left."""

    records: list[Record] = field(default_factory=list)
    held: Record = field(default_factory=Record)
    log: str = ""
    old_worker: bool = False
    master: int = 0  # the old one's pid

    @property
    def versions(self) -> set[int]:
        return {record.reply["version"] for record in self.records if record.ok}

    @property
    def refused(self) -> int:
        """How many connections were refused, since nobody listened."""
        return sum("refused" in (record.error or "") for record in self.records)

    @property
    def gap(self) -> float:
        return gap([vars(record) for record in self.records])

    @property
    def left_too_early(self) -> bool:
        """Whether nobody answered for long since the old code left before the new one was ready.

        If it left later, a gap is the machine's doing; but HUP has workers leave that are new.
        """
        before = re.split(LEAVING, self.log)[0]
        is_hup = "signal: hup" in self.log and "signal: usr2" not in self.log
        is_early = is_hup or READY.format(2) not in before
        return 2 in self.versions and self.gap > GAP and is_early

    @property
    def is_told(self) -> bool:
        """Whether the old code was told to leave: its master, or one worker beside another."""
        to_leave = rf"\[{self.master}\] .*signal: term|signal: ttin(?:.|\n)*signal: ttou"
        return bool(re.search(to_leave, self.log))


def check(deploy: Any) -> Verdict:
    """Serve version 1, put version 2 in its place, and have the function deploy it under load."""
    refuse_no_function(deploy)
    files = {"shop.py": f"{APP}app = made(1, 0, '{{folder}}')\n"}
    with launched(COMMAND, env={"PYTHONDONTWRITEBYTECODE": "1"}, files=files) as server:
        new = f"{APP}app = made(2, {IMPORT}, {str(server.folder)!r})\n"
        (server.folder / "shop.py").write_text(new)
        try:
            return _judge(run_coroutine(_deployed(deploy, server)))
        finally:
            # Where the function started the server anew, its guard has left before.
            while pids := server.pids:
                for pid in pids:
                    send(pid, SIGKILL)


async def _deployed(deploy: Any, server: Server) -> Seen:
    master, workers = server.pid, server.workers
    seen = Seen(master=master)
    returned: list[float] = []  # when the function has
    holding = asyncio.create_task(burst(f"{server.url}/held", timeout=patience(LIMIT)))
    while HELD not in server.log and not holding.done():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    call = {"calls": [[master, server.port]], "ran": NAME, "limit": LIMIT, "env": LOOPBACK}
    calling = asyncio.create_task(asyncio.to_thread(returned_by, deploy, **call))
    calling.add_done_callback(lambda _: returned.append(time.monotonic()))
    try:
        while seen.refused < MOST_REFUSED and not (
            returned and _is_over(server, master, workers, returned[0])
        ):
            asked = await burst(f"{server.url}/version", timeout=patience(AWAY))
            seen.records += asked.records
            await asyncio.sleep(0.03)
            if calling.done():
                calling.result()  # raises Refused where the function did not return
    finally:
        holding.cancel()
        await asyncio.gather(holding, calling, return_exceptions=True)
    (seen.held,) = [Record()] if holding.cancelled() else holding.result().records
    seen.log, seen.old_worker = server.log, any(map(is_alive, workers))
    return seen


def _is_over(server: Server, master: int, workers: list[int], returned: float) -> bool:
    """Whether nothing more will come, or what should have come has not come in time."""
    since = time.monotonic() - returned
    if since < 1.0:
        return False
    if set(server.pids) <= {master, *workers}:
        return True  # nobody is left, or no new one has come
    new = server.folder / MADE.format(2)
    if not new.exists() or READY.format(2) not in server.log:
        return since > patience(AWAY)
    return not any(map(is_alive, workers)) or time.time() - new.stat().st_mtime > patience(LEAVE)


# What became of it: whether it is so, a sentence, a question. The first that is so is told.
ROWS: dict[str, tuple[Callable[[Seen], object], str, str]] = {
    "nobody-listens": (
        lambda seen: seen.refused,
        "Connections were refused: for a time, no server was there.",
        "Who holds the listening socket while the old server has gone and the new one starts?",
    ),
    "old-code": (
        lambda seen: 2 not in seen.versions and not re.search(r"signal: (?:usr2|hup)", seen.log),
        "The new code never answers.",
        "Which process imports the new code, and who starts that process?",
    ),
    "old-one-left-too-early": (
        lambda seen: seen.left_too_early,
        "The old code began to leave before the new one could answer.",
        "How does your function know that new code answers: does it ask, or look at a clock? And "
        "does HUP wait for it?",
    ),
    "cut-off": (
        lambda seen: 2 in seen.versions and seen.held.error,
        "A request that was in progress on the old worker got no reply.",
        "Which signal lets a worker finish what it has, and which doesn't?",
    ),
    "both-serve": (
        lambda seen: seen.old_worker and 2 in seen.versions and not seen.is_told,
        "The old code goes on answering beside the new.",
        "Which signal asks the old master and its worker to leave? What does that worker do on "
        "QUIT, and what if its master is killed?",
    ),
}


def _judge(seen: Seen) -> Verdict:
    lost = sum(record.error is not None for record in [*seen.records, seen.held])
    told = f"versions {sorted(seen.versions)} answered, {lost} lost, longest gap {seen.gap:.1f} s"
    for misconception, (is_so, *told_of) in ROWS.items():
        if is_so(seen):
            details = {"ran": RAN, "came_back": told, "expected": EXPECTED}
            return wrong(misconception, *told_of, **details)
    # No machine that is merely busy leaves a gap as long as an import.
    if 2 not in seen.versions or seen.old_worker or lost or seen.gap > IMPORT - GAP:
        return too_busy("the new version came late, or the old one left late, or a request was")
    return right("the new code is in service, and no request noticed.", RAN, told)
