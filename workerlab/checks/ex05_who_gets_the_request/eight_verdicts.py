"""What is said of the eight requests of exercise 05, task 2."""

import shlex
from typing import Any

from workerlab.checks import served_apps
from workerlab.checks.app import FAILED, NOT_READ
from workerlab.checks.app import Seen as Served
from workerlab.checks.calling import did_not_return
from workerlab.checks.ex05_who_gets_the_request.eight_order import judge_luck, judge_order
from workerlab.checks.ex05_who_gets_the_request.eight_seen import Seen
from workerlab.checks.ex05_who_gets_the_request.eight_values import judge_value
from workerlab.checks.verdicts import Verdict, could_not_check, right, wrong
from workerlab.server.commands import workers_asked_for
from workerlab.server.server import Server
from workerlab.server.start_errors import log_in

MOST_WORKERS = 4
REQUESTS = 8
LIMIT = 7.5  # seconds for the client, with the start of its process
TIMES = 2.5  # so many times one handler is the most
SHORTEST = 0.9  # seconds of a handler which does all of its second
EXPECTED = f"8 requests of 1 s on at most 4 workers, all done within {TIMES:g} times one"


def judge_commands(commands: Any) -> Verdict | None:
    """The verdict on commands which are not started; None to start them."""
    if commands is None:
        return wrong(
            "needs-another-cell",
            "There is no `commands`, which the check starts your app with.",
            "Has the cell that defines them been run?",
        )
    if not isinstance(commands, list | tuple) or not 1 <= len(commands) <= MOST_WORKERS:
        return wrong(
            "not-a-list",
            "`commands` is not a list of one to four commands.",
            "How did its cell look before you changed it?",
            expected="a list of texts, as the notebook had it",
        )
    for command in commands:
        if verdict := command.refused(command):
            return verdict
    asked = sum(workers_asked_for(command) or 1 for command in commands)
    return _more_workers(asked, "\n".join(commands)) if asked > MOST_WORKERS else None


def more_workers(servers: list[Server]) -> Verdict | None:
    """The verdict on servers which have more workers than is allowed."""
    workers = sum(len(server.workers) for server in servers)
    if workers <= MOST_WORKERS:
        return None
    return _more_workers(workers, "\n".join(server.command for server in servers))


def _more_workers(workers: int, ran: str) -> Verdict:
    return wrong(
        "more-workers",
        f"These are {workers} workers, and four must do.",
        "What would you do if sixteen requests came?",
        ran=ran,
        expected="at most 4 worker processes, of all servers together",
    )


def not_started(commands: list[str], report: str) -> Verdict:
    """The verdict on a server that did not come up; `report` is the text of ServerDidNotStart."""
    log = log_in(report)
    failed = FAILED in log
    if failed or NOT_READ in log:
        return served_apps.did_not_start(Served(False, NOT_READ in log, failed, log, [], [], {}))
    if "within" in report and "Error" not in log:
        return could_not_check("the server did not come up in time; run the cell again")
    first = report.splitlines()[0]
    # All of them are of one kind as a rule; where they are not, the program tells.
    command = next((c for c in commands if shlex.split(c)[0] in first), commands[0])
    return command.did_not_start(command, report)


def verdict_on(seen: Seen) -> Verdict:
    """The verdict on what was seen."""
    call = "your commands, and send_eight(urls)"
    result = seen.result
    details = {"ran": call, "came_back": _told(seen), "expected": EXPECTED}
    if verdict := _turned_away(seen, details):
        return verdict
    if not seen.works and result.kind not in ("returned", "not json"):
        return did_not_return(result, call)
    workers = len({work.pid for work in seen.works})
    if workers > MOST_WORKERS and not seen.died:
        return _more_workers(workers, call)
    verdict = _requests(seen, details) or _handlers(seen, details) or _time(seen, details)
    if verdict is not None:
        return verdict
    if result.kind not in ("returned", "not json"):
        return did_not_return(result, call)
    verdict = judge_value(result, seen, details)
    return verdict or right(
        f"eight requests, in less than {TIMES:g} times one.", call, details["came_back"]
    )


def _told(seen: Seen) -> str:
    if not seen.works:
        return f"{len(seen.arrivals)} requests, none of them to /work of your app"
    return (
        f"{len(seen.works)} requests begun, at most {seen.at_once} sent and not yet answered; "
        f"{', '.join(map(str, seen.per_worker))} on the workers; {seen.took / seen.one:.1f} times "
        f"one{', and not yet done' if seen.cut else ''}"
    )


def _turned_away(seen: Seen, details: dict[str, str]) -> Verdict | None:
    if "Exceeded concurrency limit" in seen.log:
        return wrong(
            "limit-on-requests",
            "The server turned requests away.",
            "Does the limit make a request wait for an idle worker?",
            **details,
        )
    if "Using worker: sync" in seen.log or "Using worker: gthread" in seen.log:
        return wrong(
            "worker-class-for-wsgi",
            "This worker class calls the app as WSGI has it, and the app speaks ASGI.",
            "Which worker class did your command have when it was given?",
            **details,
        )
    return None


def _requests(seen: Seen, details: dict[str, str]) -> Verdict | None:
    if not seen.arrivals:
        return wrong(
            "no-request",
            "No request came to the server.",
            "Which line of your function sends one? Does anything wait for it?",
            **details,
        )
    if not seen.works:
        return wrong(
            "another-url",
            "No request came to /work of your app.",
            "What do you do to the url before you send, and which app does your command serve?",
            **details,
        )
    if seen.died:
        return served_apps.no_reply("a worker ended", details)
    if len(seen.works) > REQUESTS:
        return wrong(
            "more-than-eight",
            f"Your function sent {len(seen.works)} requests to /work, and eight were asked for.",
            "Do you try again what takes long? Is the first try over then?",
            **details,
        )
    if len(seen.works) < REQUESTS and not seen.cut and seen.result.kind == "returned":
        return wrong(
            "fewer-than-eight",
            f"{len(seen.works)} of eight requests reached a worker.",
            "How often does your loop go round, and does your function wait for all of them?",
            **details,
        )
    return None


def _handlers(seen: Seen, details: dict[str, str]) -> Verdict | None:
    for work in seen.works:
        if work.replied and work.status >= 400:
            served = Served(True, False, False, seen.log, [], [], {"left": False})
            return served_apps.bad_status(served, work.status, "/work", details)
    short = [work for work in seen.works if work.seconds is not None and work.seconds < SHORTEST]
    if any(work.done is None or work.done - work.reached >= SHORTEST for work in short):
        return served_apps.before_it_was_done(details)
    if short:
        return wrong(
            "shortened-work",
            f"A request was answered after {min(w.seconds or 0 for w in short):.2f} s, and its "
            "work takes a second.",
            "Does every client get a whole second of work, and its reply only then?",
            **details,
        )
    if not seen.cut and any(not work.replied for work in seen.works):
        return wrong(
            "not-waited-for",
            "Your function was back before the replies were there.",
            "What waits for a task that has been created?",
            **details,
        )
    return None


def _time(seen: Seen, details: dict[str, str]) -> Verdict | None:
    if seen.took <= TIMES * seen.one and not seen.cut:
        return judge_luck(seen, details)
    return judge_order(seen, details)
