"""Exercise 12, task 4: one of two hosts leaves service, and no request is lost.

Each request takes longer than the second which the host leaves its requests after TERM, and one is
always just beginning. So whoever tells the host to leave before all are done loses some, on every
run; and while nginx doesn't know, it passes requests on to a host that isn't there.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from workerlab.checks.app import LOOPBACK
from workerlab.checks.ex12_beyond_one_machine.hosts import hosts, nginx
from workerlab.checks.function import refuse_no_function, returned_by
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, wrong
from workerlab.load import burst
from workerlab.proxy import FILE
from workerlab.records import Record, Run
from workerlab.server import Server
from workerlab.server.processes import is_alive

HINTS = [
    "Who has to know first that the host leaves: the host, or nginx? How does nginx learn of a "
    "change in its file?",
    "On HUP nginx starts a new worker with the new file, and the old worker ends when it has "
    "answered what it has. So what can you wait for before you send TERM?",
    "Note the children of nginx; put ` down` behind the host's port in the file; send HUP to "
    "nginx; wait until none of the noted is alive; then TERM to the host, and wait until it ends.",
]
# nginx may not ask a second host, as with a POST that may have been carried out.
CONFIG = """
upstream shop {
    server 127.0.0.1:{a};
    server 127.0.0.1:{b};
}
server {
    listen 127.0.0.1:{port};
    location / {
        proxy_pass http://shop;
        proxy_next_upstream off;
    }
}
"""
HANDLER = 3.0  # seconds that a request takes
PAUSE = 0.1  # seconds from one request to the next
BEFORE = 0.5  # seconds of requests before the function is called
AFTERWARDS = 0.5  # seconds of requests after it has returned
LIMIT = 6.0  # seconds for the function
NAME = "drain(nginx, file, host, port)"
RAN = f"{NAME}, with requests of {HANDLER:g} s throughout"
EXPECTED = "every request is answered, the host has ended, and the other one is in service"


@dataclass
class Seen:
    """What became of the requests, of the host and of nginx."""

    records: list[Record]
    leaving: bool  # whether the host is still there
    proxy: bool  # whether nginx is still there
    named: bool  # whether nginx's file still names the host as one to ask
    log: str

    @property
    def lost(self) -> list[Record]:
        return [record for record in self.records if not record.ok]


# What became of it: whether it is so, a sentence, a question. The first that is so is told.
ROWS = {
    "no-proxy-left": (
        lambda seen: not seen.proxy,
        "nginx has ended.",
        "Which signal makes nginx read its file again, and which makes it leave?",
    ),
    "still-there": (
        lambda seen: seen.leaving,
        "The host is still running.",
        "Who tells it to leave, and did your function wait until it had?",
    ),
    "file-not-accepted": (
        lambda seen: "[emerg]" in seen.log,
        "nginx doesn't accept its file as your function leaves it, and goes on with the old one.",
        "How does the host's line look now, and does it still end with a semicolon?",
    ),
    "nobody-knew": (
        lambda seen: seen.lost and (seen.named or "reconfiguring" not in seen.log),
        "nginx went on passing requests to the host that left.",
        "How does nginx learn that a host isn't there, before it asks it?",
    ),
    "nobody-left": (
        lambda seen: "no live upstreams" in seen.log,
        "nginx has no host left to ask.",
        "Which line of the file does your function change?",
    ),
    "left-too-early": (
        lambda seen: seen.lost,
        "The host left too early: it still had requests, or nginx still sent it some.",
        "nginx's old worker ends when it has all its replies. What can you wait for before TERM?",
    ),
}


def check(drain: Any) -> Verdict:
    """Have the function take one of two hosts out of service, under load."""
    refuse_no_function(drain)
    with hosts("a", "b") as (a, b), nginx(CONFIG, {"a": a.port, "b": b.port}) as server:
        seen = run_coroutine(_drained(drain, server, a))
    lost = seen.lost
    told = f"{len(lost)} of {len(seen.records)} lost"
    for misconception, (is_so, *said) in ROWS.items():
        if is_so(seen):
            return wrong(misconception, *said, ran=RAN, came_back=told, expected=EXPECTED)
    return right("the host has left, and no request noticed.", RAN, told)


async def _drained(drain: Any, server: Server, leaving: Server) -> Seen:
    url, file = f"http://127.0.0.1:{server.port}/order?seconds={HANDLER}", server.folder / FILE
    proxy, pid = server.pid, leaving.pid
    arguments = [proxy, str(file), pid, leaving.port]
    call = {"calls": [arguments], "ran": NAME, "limit": LIMIT, "env": LOOPBACK}
    sent: list[asyncio.Task[Run]] = []

    async def send() -> None:
        sent.append(asyncio.create_task(burst(url, method="POST")))
        await asyncio.sleep(PAUSE)

    for _ in range(round(BEFORE / PAUSE)):
        await send()
    calling = asyncio.create_task(asyncio.to_thread(returned_by, drain, **call))
    try:
        while not calling.done():
            await send()
        for _ in range(round(AFTERWARDS / PAUSE)):
            await send()
        calling.result()  # raises Refused where the function did not return
    finally:
        await asyncio.wait([*sent, calling])
    return Seen(
        records=[run.result().records[0] for run in sent],
        leaving=is_alive(pid),
        proxy=is_alive(proxy),
        named=bool(re.search(rf"^[^#\n]*:{leaving.port};", file.read_text(), re.MULTILINE)),
        log=server.log,
    )
