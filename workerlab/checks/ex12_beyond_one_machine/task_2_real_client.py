"""Exercise 12, task 2: behind a proxy the app sees the real client, scheme and site.

nginx takes the client's address from X-Client, as from a load balancer in front of it. So it is
another one than this machine's, on every system.
"""

from collections.abc import Mapping
from typing import Any

from workerlab.checks.config import refuse_no_text
from workerlab.checks.ex12_beyond_one_machine.hosts import hosts, nginx
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Record

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
    listen 127.0.0.1:{port};
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Client;
    server_name NAME;
    set $came_by SCHEME;
    location / {
        proxy_pass http://127.0.0.1:{app};
        LINES
    }
}
"""
# The client, the site that it asks for, and the headers that it makes up about itself.
REQUESTS: list[tuple[str, str, dict[str, str]]] = [
    ("203.0.113.7", "shop.example", {}),
    ("203.0.113.8", "secure.example", {}),
    ("203.0.113.9", "shop.example", {"X-Forwarded-For": "198.51.100.1"}),
    ("203.0.113.9", "shop.example", {"X-Forwarded-Proto": "https"}),
    ("203.0.113.9", "secure.example", {"X-Forwarded-Proto": "http"}),
    ("203.0.113.9", "shop.example", {"X-Forwarded-Host": "forged.example"}),
    ("203.0.113.9", "shop.example", {"X-Real-IP": "198.51.100.1", "X-Forwarded-Ssl": "on"}),
]
LIMIT = 5.0  # seconds for a reply
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
# What it believes of a client's own words: the same two.
FORGED = (
    "The app believes what a client made up about itself.",
    "What is in the header when the client has sent it already: your value, or its own?",
)


def check(lines: Any) -> Verdict:
    """Put the lines into the location of two sites, and compare what the app sees of requests."""
    refuse_no_text(lines)
    part = "".join(
        SITE.replace("NAME", site).replace("SCHEME", scheme).replace("LINES", lines)
        for site, scheme in SITES.items()
    )
    with hosts("app") as [app], nginx(part, {"app": app.port}) as server:
        url = f"http://127.0.0.1:{server.port}/?seconds=0"
        for client, site, forged in REQUESTS:
            headers = {"Host": site, "X-Client": client, **forged}
            run = run_coroutine(burst(url, headers=headers, timeout=patience(LIMIT)))
            if mistake := _mistake(run.records[0], client, site, forged):
                return mistake
    return right("the app sees the real client, scheme and site.", f"{len(REQUESTS)} requests")


def _mistake(record: Record, client: str, site: str, forged: Mapping[str, str]) -> Verdict | None:
    """The verdict on a request of which the app saw something wrong."""
    expected = {"client": client, "scheme": SITES[site], "site": site}
    ran = f"GET {SITES[site]}://{site}/ from {client}, {_told(forged) or 'nothing'} forged"
    if record.status is None:
        return too_busy("a reply did not come in time")
    if record.status != 200 or not isinstance(record.reply, dict):
        sentence = "The request doesn't reach the app, or the app can't read it."
        question = "Which line does more than set a header, or sets one to what is no text?"
        told = f"status {record.status}"
        return wrong("not-passed-on", sentence, question, ran=ran, came_back=told)
    seen = {key: record.reply[key] for key in expected}
    details = {"ran": ran, "came_back": _told(seen), "expected": _told(expected)}
    for key in expected:
        if seen[key] != expected[key]:
            name, told = (f"forged-{key}", FORGED) if forged else (f"{key}-lost", LOST[key])
            return wrong(name, *told, **details)
    return None


def _told(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
