"""Task 2: a handler that asks another service. Four tickets at once, then one more, all fresh.

The service counts how many questions are waiting at one moment: four, if no request waits for
another one. Where one does, the service has waited long for the others before it answers.
"""

import json
from typing import Any

from workerlab.checks.app import Seen
from workerlab.checks.ex02_blocking_the_loop.judging import (
    ask,
    loop_is_free,
    one_at_a_time,
    refuse_blocked,
    refuse_body,
)
from workerlab.checks.ex02_blocking_the_loop.ticket_service import TicketService, ticket_service
from workerlab.checks.verdicts import Refused, Verdict, too_busy, wrong
from workerlab.records import Record

HINTS = [
    "urlopen waits for the other service. Which thread waits, when the handler is async def?",
    "Is there a client that you can await? If not, on which thread may urlopen block without harm?",
    "Three ways: await an aiohttp.ClientSession; or def without async; or move the two lines "
    "into a function and await run_in_threadpool(that_function).",
]
AT_ONCE = 4
EXPECTED = "a new ticket for each request, and quick replies from /health throughout"


def check(answer: Any) -> Verdict:
    """Serve the cell beside a slow service, and judge the tickets, the questions, then the loop."""
    with ticket_service(AT_ONCE) as service:
        env = {"UPSTREAM": service.url}
        seen, details = ask(answer, ["/ticket"] * AT_ONCE, EXPECTED, env, again=True)
    for reply in seen.replies:
        _refuse_other_than_ticket(seen, reply, service, details)
    tickets = [reply.reply["ticket"] for reply in seen.replies]
    if len(set(tickets)) < len(tickets) or any(
        service.asked[ticket] < reply.sent
        for ticket, reply in zip(tickets, seen.replies, strict=True)
    ):
        return wrong(
            "old-answer",
            "A request got a ticket that was asked for before the request, or for a different one.",
            "When does your code ask the service: once for each request, or ahead of time?",
            **details,
        )
    if len(service.asked) != len(seen.replies):
        return wrong(
            "asked-too-often",
            "Your app asks the service more often than it is asked itself.",
            "How many tickets does one request need, and who gets the others?",
            ran=details["ran"],
            came_back=f"{len(service.asked)} questions to the service",
            expected=f"{len(seen.replies)}, one for each request",
        )
    if service.peak >= AT_ONCE:
        return loop_is_free(details)
    refuse_blocked(seen, details)
    requests = seen.watched["requests"]
    if max(r["reached"] for r in requests) < min(r["replied"] for r in requests):
        return one_at_a_time(details)
    return too_busy("the four requests did not arrive together")


def _refuse_other_than_ticket(
    seen: Seen, reply: Record, service: TicketService, details: dict[str, str]
) -> None:
    body, text = reply.reply, json.dumps(reply.reply)
    if any(body == {"ticket": ticket} for ticket in service.asked):
        return
    if any(ticket in text for ticket in service.asked):
        raise Refused(
            wrong(
                "repackaged",
                "The ticket is there, but not in the form the service sends.",
                "What does your client's method return: text, or a dict with the ticket in it?",
                **details | {"came_back": text[:300], "expected": '{"ticket": "..."}'},
            )
        )
    if isinstance(body, dict) and set(body) == {"ticket"}:
        raise Refused(
            wrong(
                "made-up-answer",
                "The service has never given out this ticket.",
                "Where does the value that your handler returns come from?",
                **details | {"came_back": text[:300]},
            )
        )
    refuse_body(seen, body, {"ticket": "..."}, details)
