"""The checks of exercise 01: start one worker, ask who answers, send requests at once."""

from typing import Any
from urllib.error import HTTPError

from workerlab.checks.calling import (
    ask,
    did_not_return,
    is_blocking_client,
    no_function,
    returned_nothing,
)
from workerlab.checks.command import did_not_start, launched, open_to_the_network, refused
from workerlab.checks.exercise import Exercise, name_of, source_of
from workerlab.checks.runner import call_alone
from workerlab.checks.verdicts import Verdict, right, wrong
from workerlab.server.server import Server
from workerlab.server.start_errors import ServerDidNotStart

COUNTING = "uvicorn workerlab.checks.ex01_one_worker.counting_app:app --port {port}"

check = Exercise("01")


@check.task(
    1,
    hints=[
        "Which program did lesson 01 start, and what did it tell it to serve?",
        "Then stands MODULE:NAME. Which file holds the app, and what is it called there?",
        "uvicorn, then app.main and app joined by a colon, then the option --port with {port}.",
    ],
)
def command_for_one_worker(command: Any) -> Verdict:
    """Launch the command and look at the processes and at a reply."""
    verdict = refused(command)
    if verdict is not None:
        return verdict
    try:
        with launched(command) as server:
            return _one_worker(command, server)
    except ServerDidNotStart as error:
        return did_not_start(command, str(error))
    except ValueError:  # it listens elsewhere than its command line says
        return open_to_the_network(command)


def _one_worker(command: str, server: Server) -> Verdict:
    tree = server.tree()
    details = {"ran": command, "came_back": tree, "expected": "one process, a Uvicorn"}
    if "gunicorn" in tree:
        return wrong(
            "gunicorn-already",
            "This is Gunicorn: a master and a worker, two processes.",
            "Which program serves with one process only?",
            **details,
        )
    try:
        reply = ask(f"{server.url}/")
    except (HTTPError, ValueError) as error:
        reply = error
    if not isinstance(reply, dict) or "worker_pid" not in reply:
        return wrong(
            "another-app",
            "The server answers, but it does not serve app.main:app.",
            "Which module and which object does your command name?",
            ran=command,
            came_back=str(reply),
            expected='a reply with "message" and "worker_pid"',
        )
    if len(server.workers) > 1:
        return wrong(
            "several-workers",
            f"The server has {len(server.workers)} workers.",
            "How many workers does the command start when it says nothing of them?",
            **details,
        )
    if server.workers != [server.pid]:
        return wrong(
            "reloader",
            "A second process is there: it watches the files, or it looks after the worker.",
            "Which option is for the time of development only?",
            **details,
        )
    return right("one Uvicorn, one process, and it answers.", ran=command, came_back=tree)


@check.task(
    2,
    hints=[
        "Who knows the pid of the process that answers: your notebook, or the one that answers?",
        "Look at the reply to a GET of the url. Which of its fields is the pid?",
        'Send a GET to the url, read the reply as JSON, and return what stands under "worker_pid".',
    ],
)
def answering_pid(function: Any) -> Verdict:
    """Call the function against two servers; it must name the process of each."""
    if verdict := no_function(function):
        return verdict
    expected, got, results = [], [], []
    for _ in range(2):
        with launched("uvicorn app.main:app --port {port}") as server:
            result = call_alone(source_of(function), name_of(function), [server.url])
        if result.kind not in ("returned", "not json"):
            return did_not_return(result, f"{name_of(function)}(url)")
        expected.append(server.pid)
        got.append(result.value)
        results.append(result)
    details = {
        "ran": f"{name_of(function)}(url), with two servers one after the other",
        "came_back": f"{got[0]!r} and {got[1]!r}"[:300],
        "expected": f"{expected[0]} and {expected[1]}, the pids of the servers",
    }
    if got == expected:
        return right(
            "your function names the process that answers.", details["ran"], details["came_back"]
        )
    if got[0] is None:
        return returned_nothing(details)
    is_text = isinstance(got[0], str) and got[0] != str(expected[0])
    has_the_pid = is_text and str(expected[0]) in got[0]
    if isinstance(got[0], dict | list) or results[0].kind == "not json" or has_the_pid:
        return wrong(
            "whole-reply",
            "Your function returns the whole reply.",
            "Which field of the reply is the pid?",
            **details,
        )
    if [str(pid) for pid in expected] == [str(value) for value in got]:
        return wrong(
            "text-not-number",
            "The number is right, but it is a text.",
            "What does int() do?",
            **details,
        )
    if got[0] == results[0].pid:
        return wrong(
            "own-process",
            "This is the pid of the process that asks, not of the one that answers.",
            "In which process does os.getpid() run when you call it here?",
            **details,
        )
    if got[0] == got[1]:
        return wrong(
            "fixed-value",
            "Your function says the same of two different servers.",
            "Does the value come from the reply?",
            **details,
        )
    return wrong(
        "another-number",
        "This is not the pid of the server.",
        "Which field did you read?",
        **details,
    )


@check.task(
    3,
    hints=[
        "Where does your function wait: after each request, or after all of them are on their way?",
        "Lesson 01 sent eight at once. Which function of asyncio started them all?",
        "Write a small coroutine that sends one request, and hand n of them to asyncio.gather.",
    ],
)
def fire(function: Any) -> Verdict:
    """Call fire(url, n) and count on the server how many requests were under way at once."""
    if verdict := no_function(function):
        return verdict
    for n in (12, 5):
        with launched(COUNTING) as server:
            result = call_alone(source_of(function), name_of(function), [f"{server.url}/work", n])
            count = ask(f"{server.url}/count")
        call = f"{name_of(function)}(url, {n})"
        if result.kind not in ("returned", "not json"):
            return did_not_return(result, call)
        details = {
            "ran": call,
            "came_back": f"{count['arrived']} requests arrived, {count['peak']} under way at once",
            "expected": f"{n} requests, {n} under way at once, and all replies waited for",
        }
        verdict = _not_all_at_once(n, count, source_of(function), details)
        if verdict is not None:
            return verdict
    return right(
        "all requests were under way at once, for 12 and for 5.",
        details["ran"],
        details["came_back"],
    )


def _not_all_at_once(
    n: int, count: dict[str, int], source: str, details: dict[str, str]
) -> Verdict | None:
    arrived, peak = count["arrived"], count["peak"]
    if count["elsewhere"] and not arrived:
        return wrong(
            "another-url",
            "Your requests went to another url than the one that was given.",
            "What do you add to the url, and is it complete as it is?",
            **details,
        )
    if count["abandoned"] or not arrived:
        return wrong(
            "not-waited-for",
            "Your function was back before the replies were there.",
            "What waits for a task that has been created?",
            **details,
        )
    if arrived != n:
        off = abs(arrived - n) == 1
        return wrong(
            "off-by-one" if off else "fixed-number",
            f"Your function sent {arrived} requests and not {n}.",
            "Where does n stand in your function?",
            **details,
        )
    if peak == 1 and is_blocking_client(source):
        return wrong(
            "blocking-client",
            "The requests went one by one, though they were started together.",
            "Does the client that you use await, or does it block the loop of your notebook?",
            **details,
        )
    if peak == 1:
        return wrong(
            "one-by-one",
            "Each request waited for the reply to the one before.",
            "Who was waiting in lesson 01, when the eight went one by one?",
            **details,
        )
    if peak < n:
        return wrong(
            "in-batches",
            f"At most {peak} of {n} requests were under way at once.",
            "What limits how many go at once: a semaphore, a pool of threads, a connector?",
            **details,
        )
    return None
