"""Exercise 09, task 4: whoever got a reply gets the receipt, even if TERM comes at once.

The order of the lines in the log decides: the access log's line is written as the reply leaves.
"""

import re
import time
from collections.abc import Callable
from typing import Any

from workerlab.checks.answer import source_of
from workerlab.checks.app import error_in, not_awaited, refuse_no_reply, serving
from workerlab.checks.function import is_number, refuse_no_function
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst

HINTS = [
    "Uvicorn waits for requests before it ends. Who knows of a task that `create_task` has made, "
    "and what would have to hold it for the server to wait for it too?",
    "The handler has a BackgroundTasks. When does what you add to it run, and does the server count"
    " it as part of the request? And how long may that take before the master loses patience?",
    "background.add_task(send_receipt, number), without calling it yourself; and a "
    "graceful_timeout of more than 2 and less than 10, as 5.",
]
RECEIPT, PLATFORM = 2, 10  # seconds that a receipt takes, and from the platform's TERM to its KILL
ORDERS = (1, 2, 3)
COMMAND = (
    "gunicorn {{module}}:app --workers 1 --worker-class uvicorn_worker.UvicornWorker"
    " --graceful-timeout {} --access-logfile - --bind 127.0.0.1:{{port}}"
)
RAN = "POST /orders three times at once, and TERM as soon as the replies are here"
EXPECTED = "a reply at once, and a receipt for each order that got one"


def check(answer: Any) -> Verdict:
    """Judge the number of seconds, then serve the cell, send orders, and stop the server."""
    order, seconds = answer
    refuse_no_function(order)
    for is_so, *told in SECONDS:
        if is_so(seconds):
            expected = f"a whole number of seconds, more than {RECEIPT} and less than {PLATFORM}"
            return wrong(*told, ran=f"graceful_timeout = {seconds!r:.50}", expected=expected)
    command = COMMAND.format(seconds)
    with serving(source_of(order), "cell", command=command) as server:
        urls = [f"{server.url}/orders?number={number}" for number in ORDERS]
        run = run_coroutine(burst(urls, method="POST", timeout=patience(RECEIPT + 3.0)))
        server.signal("TERM")
        until = time.monotonic() + patience(seconds + 1.0)
        while (is_there := server.exit_code is None) and time.monotonic() < until:
            time.sleep(0.05)
        log = server.log
    refuse_no_reply(run.records, log, ran=RAN)
    return too_busy("the server did not stop in time") if is_there else _judge(log)


# Of a number of seconds: whether it is so, the misconception, a sentence, a question.
SECONDS: list[tuple[Callable[[Any], bool], str, str, str]] = [
    (
        lambda seconds: not is_number(seconds) or seconds != int(seconds),
        "no-number-of-seconds",
        "Gunicorn takes a whole number of seconds.",
        "How would you write it behind --graceful-timeout?",
    ),
    (
        lambda seconds: seconds <= RECEIPT,
        "shorter-than-the-work",
        f"A receipt takes {RECEIPT} s, and a worker that isn't given more is killed before.",
        "What is the longest that work which has been accepted may take?",
    ),
    (
        lambda seconds: seconds >= PLATFORM,
        "longer-than-the-platform",
        f"The platform kills everything {PLATFORM} s after TERM, whatever Gunicorn waits for.",
        "Who should lose patience first, Gunicorn or the platform?",
    ),
]


def _judge(log: str) -> Verdict:
    begun, out = (set(re.findall(rf"receipt (\d) {word}", log)) for word in ("begins", "is out"))
    told = f"{len(ORDERS)} orders, {len(begun)} receipts begun, {len(out)} out"
    details = {"ran": RAN, "came_back": told, "expected": EXPECTED}
    if any(re.search(rf"receipt {n} is out(.|\n)*orders\?number={n} .* 200", log) for n in ORDERS):
        return wrong(
            "reply-waits",
            "The reply leaves only when the receipt is out.",
            "Who waits for what the handler awaits?",
            **details,
        )
    if len(out) == len(ORDERS):
        return right("every order that got its reply got its receipt, in spite of TERM.", RAN)
    if "was never awaited" in log:
        return not_awaited(**details)
    if "SIGKILL" in log:
        return too_busy("the worker did not end in time")
    if begun > out:
        return wrong(
            "dies-with-the-loop",
            "The orders were accepted, and the worker has left without their receipts.",
            "Before it ends, does Uvicorn wait for every task of the loop, or for requests?",
            **details,
        )
    return wrong(
        "nobody-sends",
        "Nobody has begun to send the receipts.",
        "Which line hands send_receipt and its number over, and to whom?",
        **{**details, "came_back": error_in(log) or told},
    )
