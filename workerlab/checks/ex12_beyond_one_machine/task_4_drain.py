"""Exercise 12, task 4: one of two hosts leaves service, and no request is lost.

The host has a request in progress that takes longer than the second which it leaves its requests
after TERM. So whoever tells it to leave before it is done loses that one, on every run; and while
nginx doesn't know, it passes requests on to a host that isn't there.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from workerlab.checks.app import LOOPBACK
from workerlab.checks.ex12_beyond_one_machine.hosts import hosts, nginx
from workerlab.checks.function import refuse_no_function, returned_by
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, wrong
from workerlab.load import burst
from workerlab.proxy import FILE
from workerlab.records import Record
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
HELD = 2.5  # seconds that the request in progress takes
PAUSE = 0.1  # seconds from one request to the next
AFTERWARDS = 1.0  # seconds of requests after the function has returned
LIMIT = 7.0  # seconds for the function
NAME = "drain(nginx, file, host, port)"
RAN = f"{NAME}, with requests throughout, and one of {HELD:g} s in progress on that host"
EXPECTED = "every request is answered, the host has ended, and the other one is in service"


@dataclass
class Seen:
    """What became of the requests, of the host and of nginx."""

    records: list[Record]
    held: Record
    leaving: bool
    proxy: bool
    told: str
    log: str

    @property
    def lost(self) -> list[Record]:
        return [record for record in [*self.records, self.held] if not record.ok]


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
    "nobody-knew": (
        lambda seen: seen.lost and ("reconfiguring" not in seen.log or " down" not in seen.told),
        "nginx went on passing requests to the host that left.",
        "How does nginx learn that a host isn't there, before it asks it?",
    ),
    "nobody-left": (
        lambda seen: "no live upstreams" in seen.log,
        "nginx has no host left to ask.",
        "Which line of the file does your function change?",
    ),
    "cut-off": (
        lambda seen: not seen.held.ok,
        "The request that was in progress on the host was cut off.",
        "The host gives its requests one second after TERM. How can you tell that it has none?",
    ),
    "known-too-late": (
        lambda seen: seen.lost,
        "Requests were lost: the host left before nginx knew.",
        "When does nginx pass on nothing more: when you send HUP, or when its old worker is gone?",
    ),
}


def check(drain: Any) -> Verdict:
    """Have the function take one of two hosts out of service, under load."""
    refuse_no_function(drain)
    with hosts("a", "b") as (a, b), nginx(CONFIG, {"a": a.port, "b": b.port}) as server:
        seen = run_coroutine(_drained(drain, server, a))
    lost = seen.lost
    told = f"{len(lost)} of {len(seen.records) + 1} lost"
    for misconception, (is_so, *said) in ROWS.items():
        if is_so(seen):
            return wrong(misconception, *said, ran=RAN, came_back=told, expected=EXPECTED)
    return right("the host has left, and no request noticed.", RAN, told)


async def _drained(drain: Any, server: Server, leaving: Server) -> Seen:
    url, file = f"http://127.0.0.1:{server.port}/order", server.folder / FILE
    proxy, pid = server.pid, leaving.pid
    # The first request of all goes to the first host.
    holding = asyncio.create_task(burst(f"{url}?seconds={HELD}", method="POST"))
    await asyncio.sleep(0.5)
    arguments = [proxy, str(file), pid, leaving.port]
    call = {"calls": [arguments], "ran": NAME, "limit": LIMIT, "env": LOOPBACK}
    calling = asyncio.create_task(asyncio.to_thread(returned_by, drain, **call))
    sent = []
    try:
        left = AFTERWARDS
        while left > 0:
            sent.append(asyncio.create_task(burst(url, method="POST")))
            await asyncio.sleep(PAUSE)
            left -= PAUSE if calling.done() else 0
        calling.result()  # raises Refused where the function did not return
    finally:
        await asyncio.wait([calling, holding, *sent])
    return Seen(
        records=[run.result().records[0] for run in sent],
        held=holding.result().records[0],
        leaving=is_alive(pid),
        proxy=is_alive(proxy),
        told=file.read_text(),
        log=server.log,
    )
