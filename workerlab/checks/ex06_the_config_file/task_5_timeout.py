"""Exercise 06, task 5: the time-out, seen on a server with a blocking and an awaiting handler."""

from typing import Any

from workerlab.checks.config import (
    COMMAND,
    judge_worker_class,
    no_such_setting,
    server_with,
    settings_of,
    written,
)
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Verdict, right, too_busy, wrong
from workerlab.load import burst
from workerlab.records import Record

HINTS = [
    "What does a worker send its master from its event loop, and what happens if that stops?",
    "The setting says how old the last heartbeat may be. The master looks once a second. How long "
    "after a block begins is the worker killed, at the latest?",
    "timeout = 3 kills a blocked worker within 4 seconds and leaves a request that awaits alone. "
    "timeout = 1 is too short even for an idle worker's heartbeats.",
]

SHORTEST, LONGEST = 2, 4  # seconds of timeout; with the master's look, 4 kills within 5
BLOCKED, AWAITED = 5.5, 5.0  # seconds of the two handlers
RAN = f"{COMMAND}\na request that blocks for {BLOCKED:g} s, and one that awaits for {AWAITED:g} s"
EXPECTED = "the blocked worker is killed within 5 s, and the awaiting request is answered"


def check(config: Any) -> Verdict:
    """Judge by the setting where chance decides what a run shows, otherwise by a run."""
    with written(config) as folder:
        settings = settings_of(folder)
        timeout = settings["timeout"]
        name = settings["worker_class"]
        if verdict := judge_worker_class(name, came_back=f"worker_class = {name}"):
            return verdict
        if 0 < timeout < SHORTEST:
            return wrong(
                "timeout-too-short",
                "Even an idle worker may be killed: its heartbeats come about a second apart.",
                "How old may the last heartbeat of a healthy worker be, when the machine is busy?",
                ran=COMMAND,
                came_back=f"timeout = {timeout}",
                expected=EXPECTED,
            )
        # Preloaded, the app is imported once and not twice; the workers are the same.
        with server_with(folder, "--preload --workers 2") as server:
            # The second request is sent once the first one blocks its worker: another takes it.
            urls = [f"/slow?seconds={BLOCKED}", f"/slow-await?seconds={AWAITED}"]
            run = run_coroutine(burst([server.url + url for url in urls], after="began"))
    blocked, awaited = sorted(run.records, key=lambda record: "await" in record.url)
    seen = f"timeout = {timeout}: the blocking request {_told(blocked)}, the awaiting one "
    details = {"ran": RAN, "came_back": seen + _told(awaited), "expected": EXPECTED}
    if awaited.status is not None and not awaited.ok:
        return wrong(
            "requests-limited",
            "The request that awaits is cut off, though its worker is healthy.",
            "Which setting watches the event loop instead of the request?",
            **details,
        )
    if timeout == 0:
        return wrong(
            "timeout-off",
            "Nobody checks whether a worker is still alive.",
            "Does 0 stand for no time at all, or for no limit?",
            **details,
        )
    if timeout > LONGEST:
        return no_such_setting(config, **details) or wrong(
            "timeout-too-long",
            f"A worker may stay blocked for up to {timeout + 1} s before it is killed.",
            "How old may the last heartbeat be, and how often does the master look?",
            **details,
        )
    if blocked.status is not None or not awaited.ok:
        return too_busy("the blocked worker was not killed in time, or the other one was")
    sentence = "the blocked worker is killed in time, and a request that only awaits is answered."
    return right(sentence, RAN, details["came_back"])


def _told(record: Record) -> str:
    what = f"got {record.status}" if record.status else "lost its connection"
    return f"{what} after {record.latency:.1f} s"
