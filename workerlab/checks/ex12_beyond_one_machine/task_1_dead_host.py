"""Exercise 12, task 1: an nginx configuration under which a dead or hanging host costs no GET.

One host is killed while it works on requests, another is stopped, so that it accepts connections
and answers nothing. Without a time limit of its own nginx waits a minute for that one.
"""

import asyncio
import os
from signal import SIGKILL, SIGSTOP
from typing import Any

from workerlab.checks.config import refuse_no_text
from workerlab.checks.ex12_beyond_one_machine.hosts import hosts, nginx
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Run
from workerlab.server import Server

HINTS = [
    "Which hosts does the upstream block name? When does nginx ask another one, and how long does "
    "it wait for a reply before that?",
    "proxy_next_upstream is `error timeout` unless you change it. Which directive says after how "
    "many seconds without a reply it is a time-out?",
    "Three lines `server 127.0.0.1:{a};` and so on, and proxy_read_timeout 1s; in the location.",
]
HANDLER = 0.2  # seconds that the longest handler takes
LIMIT = 2.0  # seconds for a GET, the time that nginx waits for a hanging host included
GIVE_UP = 3.0  # seconds after which the check's client leaves
RAN = "GETs through nginx: to three hosts; one of them killed; another one stopped"
EXPECTED = f"each is answered with 200, within {LIMIT:g} seconds, and all three hosts take part"
MISTAKES = {
    "fails-when-all-is-well": (
        "Requests fail although all three hosts are well.",
        f"A handler takes up to {HANDLER:g} seconds. How long does nginx wait for it?",
    ),
    "hosts-left-out": (
        "Not all three hosts get requests.",
        "Which hosts does the block name, and does each of them get its turn?",
    ),
    "lost-with-the-host": (
        "Requests were lost when a host was killed.",
        "What may nginx do with a GET when the connection to a host breaks or is refused?",
    ),
    "waits-for-the-hanging": (
        "A request that went to the hanging host got no reply in time.",
        "The kernel accepts connections for a hanging process, so what does nginx wait for? Which "
        "directive limits that?",
    ),
    "lost-with-the-hanging": (
        "Requests to the hanging host ended with an error.",
        "After a time-out, may nginx ask another host?",
    ),
}


def check(config: Any) -> Verdict:
    """Serve with the configuration; kill one host, stop another, and count what is lost."""
    refuse_no_text(config)
    with hosts("a", "b", "c") as three:
        ports = {host.name: host.port for host in three}
        with nginx(config, ports) as server:
            return run_coroutine(_judge(f"http://127.0.0.1:{server.port}/order", three))


async def _judge(url: str, three: list[Server]) -> Verdict:
    slow = f"{url}?seconds={HANDLER}"
    well = sum([await burst(slow, n=10) for _ in range(3)], Run([]))
    if well.failures:
        return _wrong("fails-when-all-is-well", well)
    if len({record.reply["host"] for record in well.records}) < len(three):
        return _wrong("hosts-left-out", well)
    killed, stopped, _ = three
    asking = asyncio.create_task(burst(slow, n=9))
    await asyncio.sleep(HANDLER / 2)
    os.kill(killed.pid, SIGKILL)
    after = await asking + await burst(url, n=9)
    if after.failures:
        return _wrong("lost-with-the-host", after)
    os.kill(stopped.pid, SIGSTOP)
    hanging = await burst(url, n=9, timeout=patience(GIVE_UP))
    if any(record.status is None for record in hanging.records):
        return _wrong("waits-for-the-hanging", hanging)
    if hanging.failures:
        return _wrong("lost-with-the-hanging", hanging)
    slowest = max(hanging.latencies)
    if slowest > LIMIT:
        if slowest > patience(LIMIT):
            return _wrong("waits-for-the-hanging", hanging)
        return too_busy("a reply came late")
    return right("a host that dies or hangs costs no GET.", RAN, f"slowest {slowest:.1f} s")


def _wrong(mistake: str, run: Run) -> Verdict:
    by_host = sorted({record.reply["host"] for record in run.records if record.ok})
    errors = sorted({str(record.status or record.error) for record in run.failures})
    told = f"{len(run) - len(run.failures)} of {len(run)} answered, by {', '.join(by_host) or '-'}"
    if errors:
        told += f"; the others: {', '.join(errors)}"
    return wrong(mistake, *MISTAKES[mistake], ran=RAN, came_back=told, expected=EXPECTED)
