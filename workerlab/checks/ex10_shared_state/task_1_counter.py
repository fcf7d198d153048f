"""Exercise 10, task 1: a counter over four workers, which are then all killed.

The numbers in the replies decide. They come from many requests at once, until every worker has
taken part, before the kill and after it.
"""

from typing import Any

from workerlab.checks.answer import source_of
from workerlab.checks.app import Reply, Seen, error_in, refuse_no_reply
from workerlab.checks.ex10_shared_state.slowed_workers import replace, slowed_workers
from workerlab.checks.function import refuse_no_function
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Refused, Verdict, could_not_check, right, too_busy, wrong
from workerlab.load import burst
from workerlab.server import Server

HINTS = [
    "Where can a number be kept so that four processes see the same one, and it is still there "
    "when all of them have gone? And who sees to it that only one at a time reads and writes it?",
    "A file: which call of the module fcntl makes others wait while you read and write? SQLite: "
    "which one statement adds one, and returns the new value too?",
    "In SQLite: create table if not exists counter (id integer primary key, n integer), and then "
    "insert into counter values (1, 1) on conflict do update set n = n + 1 returning n.",
]
WORKERS, TOGETHER, ROUNDS, MOST_ROUNDS = 4, 16, 4, 20
PATIENCE = 6.0  # seconds for one request
LOCKED = "SQLite gave up waiting for its lock: run the cell again, or give connect() more time"
RAN = f"POST /count, {TOGETHER} at a time on {WORKERS} workers; all are killed; the same again"
EXPECTED = "numbers that follow one another, each of them once, also after the kill"


def check(count: Any) -> Verdict:
    """Serve the cell, count, kill the workers, and count on."""
    refuse_no_function(count)
    with slowed_workers(source_of(count), WORKERS) as server:
        there = set(server.folder.iterdir())
        before = _counted(server)
        replace(server, *server.workers)
        after = _counted(server)
        return _judge(before, after, is_written=bool(set(server.folder.iterdir()) - there))


def _counted(server: Server) -> list[int]:
    """The numbers in the replies; the first request is on its own."""
    numbers, taken_part = [], set()
    for together in [1] + MOST_ROUNDS * [TOGETHER]:
        options = {"method": "POST", "timeout": patience(PATIENCE)}
        run = run_coroutine(burst(f"{server.url}/count", together, **options))
        replies = [Reply("/count", r.status, r.reply, r.error or "") for r in run.records]
        log = server.log
        if any(reply.status != 200 for reply in replies) and "database is locked" in log:
            raise Refused(could_not_check(LOCKED))
        good = [reply for reply in replies if reply.status == 200]
        read = [r.body.get("count") if isinstance(r.body, dict) else None for r in good]
        # A file that is being written is empty for a moment: who reads it then raises.
        if len(good) < len(replies) and len(set(map(repr, read))) < len(read):
            raise Refused(_mistake("lost-updates", f"numbers twice, and {error_in(log)}"))
        refuse_no_reply(Seen(replies, log=log), ran=RAN)
        if not all(type(number) is int for number in read):
            raise Refused(_mistake("no-count", f"a reply of {good[0].body!r:.100}"))
        numbers += read
        taken_part |= {record.worker for record in run.records}
        if len(taken_part) == WORKERS and len(numbers) > ROUNDS * TOGETHER:
            return numbers
    raise Refused(too_busy(f"only {len(taken_part)} of {WORKERS} workers took part"))


def _judge(before: list[int], after: list[int], *, is_written: bool) -> Verdict:
    begins_again = after[0] == before[0] and not is_written
    before, after = sorted(before), sorted(after)
    twice = sum(len(numbers) - len(set(numbers)) for numbers in (before, after))
    told = (
        f"{len(before)} replies from {before[0]} to {before[-1]}; after the kill {len(after)} from "
        f"{after[0]} to {after[-1]}; {twice} repeated"
    )
    if twice and begins_again:
        return _mistake("each-its-own", told)
    if twice:
        return _mistake("lost-updates", told)
    if before != list(range(before[0], before[0] + len(before))):
        return _mistake("not-one-by-one", told)
    if after != list(range(before[-1] + 1, before[-1] + 1 + len(after))):
        return _mistake("not-outlived", told)
    return right("one counter for four workers, and it outlives them.", RAN, told)


# The misconceptions: a sentence and a question.
MISTAKES = {
    "no-count": (
        'A reply is not of the form {"count": number}.',
        "What does your function return, and of which type is the number?",
    ),
    "each-its-own": (
        "The same numbers come again and again, and all is forgotten with the workers.",
        "In whose memory is your counter? How many of them are there?",
    ),
    "lost-updates": (
        "Some numbers came more than once: increments were lost.",
        "What can another worker do between your reading the number and your writing it?",
    ),
    "not-one-by-one": (
        "No number came twice, but they don't follow one another.",
        "By how much does each request raise the counter?",
    ),
    "not-outlived": (
        "All went well until the workers were killed; the new ones don't go on from there.",
        "Which process held the number, and what had been written down when it died?",
    ),
}


def _mistake(name: str, told: str) -> Verdict:
    return wrong(name, *MISTAKES[name], ran=RAN, came_back=told, expected=EXPECTED)
