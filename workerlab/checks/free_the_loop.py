"""The checks of exercise 02: three apps whose handlers must leave the event loop free."""

import inspect
import json
import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from workerlab.checks.serving import Seen, serve_and_ask
from workerlab.exercise import Exercise, source_of
from workerlab.verdicts import Verdict, could_not_check, right, wrong

SECONDS = 0.5  # that /report waits, and the service behind /ticket takes
STEPS = 1_000_000  # of the checksum
HELD = 0.25  # a larger share of the work, done while it holds the loop, is blocking
# What FastAPI says when it is to make JSON of one.
UNAWAITED = re.compile(r"'(?:coroutine|Task|Future|_GatheringFuture)' object is not iterable")

check = Exercise("02")


@check.task(
    1,
    hints=[
        "Who else needs the thread on which time.sleep waits?",
        "Lesson 02 shows three cures. Which of them can wait without a thread at all?",
        "asyncio has a sleep of its own; it hands the thread back, if you await it.",
    ],
)
def report(function: Any) -> Verdict:
    """Serve the app; four reports at once, each half a second, and the loop is free."""

    def look(seen: Seen, details: dict[str, str]) -> Verdict | None:
        expected = {"report": "ready"}
        for reply in seen.replies:
            if reply.body != expected:
                return _another_answer(seen, reply.body, details, json.dumps(expected))
        if min(seen.seconds) < 0.9 * SECONDS:
            return _too_early(seen, details)
        return None

    def look_at_loop(seen: Seen, details: dict[str, str]) -> Verdict | None:
        if (verdict := _blocked(seen, 4 * SECONDS, details)) is not None:
            return verdict
        # One after the other, the last is ready three times half a second after the first.
        return _one_at_a_time(details) if seen.spread > 2 * SECONDS else None

    return _judge(function, ["/report"] * 4, look, look_at_loop)


@check.task(
    2,
    hints=[
        "urlopen waits for the other service. On which thread, when the handler is async def?",
        "Is there a client that you can await? If there is none, where may a call block that "
        "cannot be awaited?",
        "Three ways: await an aiohttp.ClientSession; or def without async; or move the two lines "
        "into a function and await run_in_threadpool(that_function).",
    ],
)
def ticket(function: Any) -> Verdict:
    """Serve the app beside a slow service; four tickets at once, all of them fresh."""
    with _service() as service:

        def look(seen: Seen, details: dict[str, str]) -> Verdict | None:
            for reply in seen.replies:
                if (verdict := _not_a_ticket(seen, reply.body, service, details)) is not None:
                    return verdict
            if len({reply.body["ticket"] for reply in seen.replies}) < len(seen.replies):
                return wrong(
                    "old-answer",
                    "Several requests got the same ticket, and the service gives each but once.",
                    "How often does your code ask the service: for each request, or only once?",
                    **details,
                )
            return None

        def look_at_loop(seen: Seen, details: dict[str, str]) -> Verdict | None:
            # Several at once have waited for the service, so none of them held the loop for it.
            # To make a client takes the loop's time too, with httpx a good deal of it.
            if service.peak > 1:
                return None
            return _blocked(seen, 4 * SECONDS, details) or _one_at_a_time(details)

        return _judge(
            function,
            ["/ticket"] * 4,
            look,
            look_at_loop,
            {"UPSTREAM": service.url},
        )


@check.task(
    3,
    hints=[
        "There is nothing to wait for here. Can `await` alone make a computation step aside?",
        "Which two of the cures in lesson 02 put the work on another thread than the loop's?",
        "def without async; or `await run_in_threadpool(checksum, seed)`; or, in a process, "
        "`await loop.run_in_executor(pool, checksum, seed)` with a ProcessPoolExecutor.",
    ],
)
def get_checksum(function: Any) -> Verdict:
    """Serve the app; three checksums at once, and /health is answered meanwhile."""
    seeds = random.sample(range(1, 1_000_000), 3)
    expected = [{"checksum": checksum(seed)} for seed in seeds]

    def look(seen: Seen, details: dict[str, str]) -> Verdict | None:
        bodies = [reply.body for reply in seen.replies]
        if bodies == expected:
            return None
        for body, its_expected in zip(bodies, expected, strict=True):
            if not (isinstance(body, dict) and set(body) == {"checksum"}):
                return _another_answer(seen, body, details, json.dumps(its_expected))
        details = {
            **details,
            "came_back": "\n".join(f"seed {s}: {b}" for s, b in zip(seeds, bodies, strict=True)),
            "expected": "\n".join(f"seed {s}: {e}" for s, e in zip(seeds, expected, strict=True)),
        }
        if bodies[0] == bodies[1] == bodies[2]:
            return wrong(
                "fixed-value",
                "Your app says the same for three different seeds.",
                "Where does the seed of the request go in?",
                **details,
            )
        return wrong(
            "another-checksum",
            "The checksum is not the one that the given function computes.",
            "Is the function still the one that was given, with all of its steps?",
            **details,
        )

    paths = [f"/checksum?seed={seed}" for seed in seeds]

    def look_at_loop(seen: Seen, details: dict[str, str]) -> Verdict | None:
        return _blocked(seen, sum(seen.seconds) / 2, details)

    return _judge(function, paths, look, look_at_loop)


def checksum(seed: int, steps: int = STEPS) -> int:
    """What the given function computes, without its loop: x -> a*x + c, doubled up to `steps`."""
    modulus, a, c = 2**31, 1103515245, 12345
    value, bits = seed, steps
    while bits:
        if bits & 1:
            value = (a * value + c) % modulus
        a, c, bits = a * a % modulus, (a * c + c) % modulus, bits >> 1
    return value


def _judge(
    function: Any,
    paths: list[str],
    look: Callable[[Seen, dict[str, str]], Verdict | None],
    look_at_loop: Callable[[Seen, dict[str, str]], Verdict | None],
    env: dict[str, str] | None = None,
) -> Verdict:
    """Serve the cell, ask, and look: does it answer, is that right, is the loop free?"""
    source = source_of(inspect.unwrap(function)) if callable(function) else ""
    if not source:
        return wrong(
            "not-a-function",
            f"The answer is of type {type(function).__name__}, and not the handler of a cell.",
            "Did you call the handler, instead of handing it over?",
            expected="the handler itself, without parentheses behind it",
        )
    path = paths[0].partition("?")[0]
    seen = serve_and_ask(source, paths, env)
    details = {"ran": f"{len(paths)} requests to {path} at once, with /health beside them"}
    if not seen.started:
        return _did_not_start(seen)
    for reply in seen.replies:
        if reply.status is None:
            return _no_reply(reply.error, details)
        if reply.status != 200:
            return _status(seen, reply.status, path, details)
    if not seen.watched:
        return could_not_check("the server did not answer any more; run the cell again")
    details["came_back"] = (
        f"{len(seen.replies)} replies, the slowest in {max(seen.seconds):.2f} s; "
        f"the slowest /health in {max(seen.health, default=0.0):.2f} s"
    )
    details["expected"] = "the right answers, and /health answered while they are under way"
    verdict = look(seen, details) or look_at_loop(seen, details)
    if verdict is not None:
        return verdict
    return right(
        "the same answers, and the loop is free while they are under way.",
        details["ran"],
        details["came_back"],
    )


def _did_not_start(seen: Seen) -> Verdict:
    error = seen.error
    details = {"ran": "your cell, as a module served by Uvicorn", "came_back": error}
    if seen.endless:
        return wrong(
            "never-comes-up",
            "The server did not come up: your cell does not come to its end.",
            "Which line of the cell, outside of the handler, can go on for ever?",
            ran=details["ran"],
        )
    if "ddress already in use" in seen.log or not (seen.failed or error):
        return could_not_check("the server did not come up in time; run the cell again")
    if "module 'cell' has no attribute 'app'" in error:
        return wrong(
            "no-app",
            "Your cell has no `app`.",
            "Which line of the cell makes the FastAPI object, and under which name?",
            **details,
        )
    if error.startswith("NameError"):
        return _needs_another_cell(error, details)
    if "Syntax" in error or error.startswith("IndentationError"):
        return wrong(
            "syntax-error",
            "A server cannot read your cell: it is not a Python module.",
            "Is there a line that only a notebook understands, as an await outside of a function?",
            **details,
        )
    if error.startswith(("ImportError", "ModuleNotFoundError")):
        return wrong(
            "import-error",
            "Your cell imports something that is not there.",
            "Is the name spelt right, and is the package installed here?",
            **details,
        )
    if error:
        return wrong(
            "raises-at-import",
            "Your cell raises an exception before it serves anything.",
            "Which line runs already when the module is imported?",
            **details,
        )
    return wrong(
        "ends-the-process",
        "The server's process ended while it read your cell.",
        "Which line ends the whole program?",
        **details,
    )


def _needs_another_cell(error: str, details: dict[str, str]) -> Verdict:
    return wrong(
        "needs-another-cell",
        f"Your cell does not work alone: {error.splitlines()[0]}",
        "Is everything that the app uses imported or defined in its own cell?",
        **details,
    )


def _no_reply(error: str, details: dict[str, str]) -> Verdict:
    if "time limit" in error or "without an end" in error:
        return wrong(
            "never-answers",
            f"There was {error}.",
            "Which line of your handler can wait, or go on, for ever?",
            **details,
        )
    return wrong(
        "ends-the-server",
        f"Instead of a reply: {error}.",
        "Which line of your handler ends the whole program?",
        **details,
    )


def _status(seen: Seen, status: int, path: str, details: dict[str, str]) -> Verdict:
    details = {**details, "came_back": f"status {status}\n{seen.error}".strip()}
    if status in (404, 405):
        return wrong(
            "endpoint-missing",
            f"Your app does not answer a GET of {path}: the status is {status}.",
            "Which path and which method stand in the decorator?",
            **details,
        )
    if status < 500:
        return wrong(
            "asks-for-more",
            f"Your app refuses the request with status {status}.",
            "Which parameters does your handler ask for, and does the request have them?",
            **details,
        )
    error = seen.error
    if error.startswith("NameError"):
        return _needs_another_cell(error, details)
    if "asyncio.run() cannot be called" in seen.log or "loop is already running" in seen.log:
        return wrong(
            "second-loop",
            "Your handler wants to start an event loop in a thread where one is running.",
            "Who runs your handler, if it is async def? What may you write instead of asyncio.run?",
            **details,
        )
    if "used in 'await' expression" in seen.log or "can't be awaited" in seen.log:
        return wrong(
            "awaits-a-value",
            "Your handler awaits something that cannot be awaited.",
            "What does the call before `await` sees it give back: a coroutine, or a plain value?",
            **details,
        )
    if "was never awaited" in seen.log or UNAWAITED.search(seen.log):
        return _not_awaited(details)
    return wrong(
        "raises",
        "Your handler raised an exception.",
        "Which line does the error come from?",
        **details,
    )


def _not_awaited(details: dict[str, str]) -> Verdict:
    return wrong(
        "not-awaited",
        "Your handler makes a coroutine, and nobody awaits it.",
        "What happens when a coroutine function is called, and what only when it is awaited?",
        **details,
    )


def _too_early(seen: Seen, details: dict[str, str]) -> Verdict:
    details = {**details, "expected": f"replies after {SECONDS} s, when the work is done"}
    if "was never awaited" in seen.log:
        return _not_awaited(details)
    if seen.watched["left"] or seen.watched["held"] > SECONDS:
        return _before_it_was_done(details)
    return wrong(
        "work-removed",
        "Your app answers too early: half a second of work is missing.",
        "The client wants its report when it is ready. Where does your handler wait for it?",
        **details,
    )


def _before_it_was_done(details: dict[str, str]) -> Verdict:
    return wrong(
        "answered-before-done",
        "Your handler starts the work and answers before it is done.",
        "How can a handler let the loop go on, and still not reply until the work is done?",
        **details,
    )


def _another_answer(seen: Seen, body: Any, details: dict[str, str], expected: str) -> Verdict:
    details = {**details, "came_back": json.dumps(body)[:300], "expected": expected}
    if "was never awaited" in seen.log:
        return _not_awaited(details)
    if body is None:
        return wrong(
            "nothing-returned",
            "Your handler returns nothing.",
            "Which line hands the answer back?",
            **details,
        )
    if seen.watched["left"]:
        return _before_it_was_done(details)
    return wrong(
        "answer-changed",
        "Your app gives another answer than before.",
        "Can a client of the old app tell the difference?",
        **details,
    )


def _blocked(seen: Seen, work: float, details: dict[str, str]) -> Verdict | None:
    """Wrong if the loop was held for too much of the `work`, the seconds of all of it."""
    held, joined = seen.watched["held"], seen.watched["joined"]
    if held <= HELD * work and seen.watched["longest"] < 2 * SECONDS:
        return None
    if joined > held / 2:
        return wrong(
            "joined-on-the-loop",
            "The work is done elsewhere, and your handler stops the loop until it is finished.",
            "Which line waits for the other thread or process, and can it be awaited instead?",
            **details,
        )
    return wrong(
        "still-blocks",
        "The loop stands still while your handler is under way.",
        "On which thread does the slow line run? What else should that thread do meanwhile?",
        **details,
    )


def _one_at_a_time(details: dict[str, str]) -> Verdict:
    return wrong(
        "one-at-a-time",
        "The loop is free, but the requests wait for one another.",
        "What do the requests share, that only one of them can have at a time?",
        **details,
    )


@dataclass
class _Service:
    """What the service behind task 2 has seen."""

    url: str = ""
    tickets: set[str] = field(default_factory=set)
    under_way: int = 0
    peak: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def _service() -> Iterator[_Service]:
    """A service on 127.0.0.1 which takes half a second for a ticket, and gives each but once."""
    service = _Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with service.lock:
                service.under_way += 1
                service.peak = max(service.peak, service.under_way)
            time.sleep(SECONDS)
            ticket = uuid.uuid4().hex[:8]
            with service.lock:
                service.under_way -= 1
                service.tickets.add(ticket)
            body = json.dumps({"ticket": ticket}).encode()
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, *args: Any) -> None:
            pass

    # HTTPServer would look up the name of 127.0.0.1, which takes seconds on some machines.
    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(1)


def _not_a_ticket(
    seen: Seen, body: Any, service: _Service, details: dict[str, str]
) -> Verdict | None:
    expected = '{"ticket": "..."}, as the service has given it'
    if isinstance(body, str) and any(ticket in body for ticket in service.tickets):
        return wrong(
            "text-not-json",
            "Your app hands the service's answer on as a text.",
            "What does json.load make of it, and what does your client method give back?",
            **{**details, "came_back": json.dumps(body), "expected": expected},
        )
    if not (isinstance(body, dict) and set(body) == {"ticket"}):
        return _another_answer(seen, body, details, expected)
    if body["ticket"] not in service.tickets:
        return wrong(
            "made-up-answer",
            "The service has never given this ticket.",
            "Where does the value come from that your handler returns?",
            **{**details, "came_back": json.dumps(body)[:300], "expected": expected},
        )
    return None
