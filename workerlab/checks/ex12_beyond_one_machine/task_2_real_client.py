"""Exercise 12, task 2: behind a proxy the app sees the real client, scheme and site.

Who the client is comes by the PROXY protocol, as from a load balancer in front of nginx: so its
address is another one than this machine's, on every system.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workerlab.checks.config import refuse_no_text
from workerlab.checks.ex12_beyond_one_machine.hosts import hosts, nginx
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Refused, Verdict, right, too_busy, wrong

HINTS = [
    "Uvicorn believes two headers of a proxy that it trusts. Which two? And what does nginx put "
    "into Host unless you say otherwise?",
    "proxy_set_header NAME VALUE; replaces what the client sent. Which of the variables hold what "
    "nginx itself knows?",
    "proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; "
    "proxy_set_header X-Forwarded-Proto $came_by;",
]
SITES = {"shop.example": "http", "secure.example": "https"}
# `$came_by` stands in for `$scheme`, since there is no certificate here.
SITE = """
server {
    listen 127.0.0.1:{port} proxy_protocol;
    set_real_ip_from 127.0.0.1;
    real_ip_header proxy_protocol;
    server_name NAME;
    set $came_by SCHEME;
    location / {
        proxy_pass http://127.0.0.1:{app};
        LINES
    }
}
"""
LIMIT = 5.0  # seconds for a reply


@dataclass(frozen=True)
class Asked:
    """A request: from which address, to which site, and the headers that its client made up."""

    client: str
    site: str
    forged: Mapping[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> dict[str, str]:
        return {"client": self.client, "scheme": SITES[self.site], "site": self.site}


REQUESTS = [
    Asked("203.0.113.7", "shop.example"),
    Asked("203.0.113.8", "secure.example"),
    Asked("203.0.113.9", "shop.example", {"X-Forwarded-For": "198.51.100.1"}),
    Asked("203.0.113.9", "shop.example", {"X-Forwarded-Proto": "https"}),
    Asked("203.0.113.9", "secure.example", {"X-Forwarded-Proto": "http"}),
]
# What the app saw wrongly of an honest request: a sentence, a question.
LOST = {
    "client": (
        "The app doesn't see the client's address.",
        "Whose connection does the app see? Which header does Uvicorn read, and what is in it?",
    ),
    "scheme": (
        "The app doesn't see by which scheme the client came, so its links get the wrong one.",
        "Which header tells Uvicorn the scheme, and which variable holds it?",
    ),
    "site": (
        "The app doesn't see the name of the site that the client asked for.",
        "From which header does an app take the name for its links? What does nginx send there?",
    ),
}


def check(lines: Any) -> Verdict:
    """Put the lines into the location of two sites, and compare what the app sees of requests."""
    refuse_no_text(lines)
    part = "".join(
        SITE.replace("NAME", site).replace("SCHEME", scheme).replace("LINES", lines)
        for site, scheme in SITES.items()
    )
    with hosts("app") as [app], nginx(part, {"app": app.port}) as server:
        replies = [run_coroutine(_ask(server.port, asked)) for asked in REQUESTS]
    for asked, reply in zip(REQUESTS, replies, strict=True):
        for key, value in asked.expected.items():
            if reply[key] != value:
                raise Refused(_seen_wrongly(key, asked, reply))
    return right("the app sees the real client, scheme and site.", f"{len(REQUESTS)} requests")


def _seen_wrongly(key: str, asked: Asked, reply: Mapping[str, str]) -> Verdict:
    ran = f"GET {SITES[asked.site]}://{asked.site}/ from {asked.client}"
    details = {"came_back": _told(reply), "expected": _told(asked.expected)}
    if not asked.forged:
        return wrong(f"{key}-lost", *LOST[key], ran=ran, **details)
    return wrong(
        f"forged-{key}",
        "The app believes what a client made up about itself.",
        "What is in the header when the client has sent it already: your value, or its own?",
        ran=f"{ran}, with {', '.join(map(': '.join, asked.forged.items()))}",
        **details,
    )


def _told(seen: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {seen[key]}" for key in ("client", "scheme", "site"))


async def _ask(port: int, asked: Asked) -> dict[str, str]:
    """Send the request as a load balancer would, and return what the app saw of it."""
    headers = {"Host": asked.site, **asked.forged, "Connection": "close"}
    lines = [
        f"PROXY TCP4 {asked.client} 127.0.0.1 40000 80",
        "GET /?seconds=0 HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    try:
        async with asyncio.timeout(patience(LIMIT)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write("\r\n".join([*lines, "", ""]).encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
    except TimeoutError:
        raise Refused(too_busy("a reply did not come in time")) from None
    if b" 200 " not in head.splitlines()[0]:
        raise Refused(
            wrong(
                "not-passed-on",
                "nginx doesn't pass the request on to the app.",
                "Which of your lines does something else than to set a header?",
                ran=f"GET / of {asked.site}",
                came_back=head.splitlines()[0].decode(errors="replace"),
            )
        )
    return json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
