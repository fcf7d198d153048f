"""What a killed worker, a HUP and a TERM cost: requests lost, and seconds until all is well."""

import signal
import threading
import time
from collections.abc import Callable

from workerlab.records import Run
from workerlab.report.app import Started, running
from workerlab.report.environment import CannotRun
from workerlab.report.experiments.before_fork import connections_of
from workerlab.report.experiments.context import Context
from workerlab.report.experiments.load import at_a_rate, can_take_load, lost
from workerlab.report.experiments.several import WORKERS, as_deployed
from workerlab.report.findings import Finding, milliseconds
from workerlab.report.trying import Tried

RATE = 40  # requests a second
SECONDS = 3.0  # of load; the signal is sent after the first
SIGNAL_AFTER = 1.0
BEST = 0.2  # seconds that a request should take: then some are in progress when the signal comes
LONGEST = 1.0
LATE = 0.5  # seconds more than usual
FOR_THE_WORKERS = 20.0  # seconds until there are as many workers again, and the app's own start
FOR_THE_END = 15.0  # seconds after TERM
GIVEN_UP = "aborting the restart"  # in the log of Uvicorn, whose new worker was not ready in time


def find(context: Context) -> list[Finding]:
    """Send a steady load to one endpoint, and the signals in turn.

    Raises CannotRun if no endpoint is suitable, or the app cannot have several workers.
    """
    tried = suitable(context)
    words, server = as_deployed(context)
    found = []
    with running(context.reader, words, workers=WORKERS) as app:
        if len(app.workers) < WORKERS:
            raise CannotRun(f"{WORKERS} workers were not there in time")
        for name, trial in TRIALS.items():
            if trial is of_kill and not context.kills:
                continue
            if not app.wait_for_workers(WORKERS, limit_for_workers(app)):
                context.unknown.append((f"what a {name} costs", "the workers were not all back"))
                break
            found.append(trial(app, tried, server))
    return found


def suitable(context: Context) -> Tried:
    """An endpoint that takes about BEST seconds and holds nothing up, if there is one."""
    those = [one for one in can_take_load(context) if one.kind.wall <= LONGEST]
    if not those:
        raise CannotRun(f"no endpoint takes less than {LONGEST:g} s")
    free = [one for one in those if not one.kind.holds_up]
    return min(free or those, key=lambda one: abs(one.kind.wall - BEST))


def under_load(
    app: Started, tried: Tried, act: Callable[[], float | None]
) -> tuple[Run, float | None]:
    """Load, and `act` in its midst; the run, and what `act` returned."""
    results: list[Run] = []
    errors: list[CannotRun] = []
    # A worker that blocks takes no more than it can.
    rate = (
        RATE if not tried.kind.holds_up else min(RATE, 0.5 * WORKERS / max(tried.kind.wall, 0.01))
    )

    def send() -> None:
        try:
            results.append(at_a_rate(app, tried, rate, SECONDS))
        except CannotRun as error:
            errors.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        time.sleep(SIGNAL_AFTER)
        told = act()
    finally:
        sender.join()
    if errors:
        raise errors[0]
    if not results:
        raise CannotRun("the load could not be sent")
    return results[0], told


def of_kill(app: Started, tried: Tried, server: str) -> Finding:
    before = app.workers

    def kill() -> float | None:
        # The one that holds most, since whoever gets a request is chance.
        victim = max(before, key=lambda pid: len(connections_of(pid)))
        app.signal(victim, signal.SIGKILL)
        return seconds_until_workers(app, {victim})

    run, seconds = under_load(app, tried, kill)
    gone = lost(run.records)
    again = (
        f"no new one was there within {limit_for_workers(app):.0f} s"
        if seconds is None
        else f"a new one was there after {seconds:.1f} s"
    )
    return Finding(
        "kill",
        "serious" if seconds is None else "worth knowing" if gone else "fine",
        f"A killed worker costs {requests(gone)}, and {again}",
        f"{server} with {WORKERS} workers, {len(run.records)} requests to {tried.endpoint.name} "
        f"over {SECONDS:g} s; after a second the busier worker got SIGKILL, as from the system "
        "when memory runs out.",
        f"{gone} of {len(run.records)} requests got no answer: what that worker held. "
        f"Then {again}.",
        "Requests that may be repeated should be, by the client or the proxy in front. A shorter "
        "import brings the new worker sooner.",
        "08",
        figures={
            "workers": len(before),
            "lost": gone,
            "sent": len(run.records),
            "seconds": rounded(seconds),
        },
    )


def of_hup(app: Started, tried: Tried, server: str) -> Finding:
    def hup() -> float | None:
        before = set(app.workers)
        app.signal(app.master, signal.SIGHUP)
        return seconds_until_workers(app, before)

    run, seconds = under_load(app, tried, hup)
    gone = lost(run.records)
    slowest = max(run.latencies, default=0.0)
    is_late = slowest > tried.kind.wall + LATE
    title = f"A reload (HUP) costs {requests(gone)}"
    workers = f"The new workers took {seconds:.1f} s." if seconds is not None else ""
    do = "Nothing."
    if gone or is_late:
        do = (
            "Deploy by starting the new version beside the old one and moving the traffic, if lost "
            "or late requests matter."
        )
    if seconds is None:
        title = f"A reload (HUP) doesn't replace all workers, and costs {requests(gone)}"
        workers = "There were still old workers, or too few new ones."
        do = "Look into the log of the master: new workers fail, or old ones don't end."
    if GIVEN_UP in app.log():
        do = (
            "Give new workers longer, or start faster: Uvicorn keeps the old worker and gives the "
            "reload up if a new one isn't ready within --timeout-worker-healthcheck (5 s)."
        )
    return Finding(
        "hup",
        "serious" if seconds is None else "worth knowing" if gone or is_late else "fine",
        title + (f", and answers take up to {milliseconds(slowest)}" if is_late else ""),
        f"The same load, and HUP to the master of {server} after a second.",
        f"{gone} of {len(run.records)} requests got no answer, and the slowest answer took "
        f"{milliseconds(slowest)}, where {milliseconds(tried.kind.wall)} are usual. "
        f"{workers}",
        do,
        "09",
        figures={
            "lost": gone,
            "sent": len(run.records),
            "seconds": rounded(seconds),
            "slowest_seconds": rounded(slowest),
        },
    )


def of_term(app: Started, tried: Tried, server: str) -> Finding:
    asked = 0.0

    def term() -> float | None:
        nonlocal asked
        asked = time.monotonic()
        return app.stop(FOR_THE_END)

    run, seconds = under_load(app, tried, term)
    # Those after TERM have nobody to go to: a proxy would send them elsewhere.
    before = [record for record in run.records if record.sent < asked - 0.02]
    gone = lost(before)
    in_progress = sum(record.received > asked for record in before)
    end = f"not within {FOR_THE_END:g} s" if seconds is None else f"after {seconds:.1f} s"
    return Finding(
        "term",
        "serious" if gone or seconds is None else "fine",
        f"A stop (TERM) ends {end} and costs {requests(gone)} that had been accepted",
        f"The same load, and TERM to the master of {server} after a second.",
        f"{len(before)} requests had been sent before TERM, {in_progress} of them were in "
        f"progress, and {gone} of them got no answer. The server had gone {end}.",
        "Give it time to finish: --graceful-timeout (Gunicorn) or --timeout-graceful-shutdown "
        "(Uvicorn) longer than your slowest request, and the same to whatever stops it."
        if gone or seconds is None
        else "Nothing.",
        "09",
        figures={
            "lost": gone,
            "before_term": len(before),
            "in_progress": in_progress,
            "seconds": rounded(seconds),
        },
    )


TRIALS = {"kill": of_kill, "HUP": of_hup, "TERM": of_term}


def seconds_until_workers(app: Started, gone: set[int]) -> float | None:
    """Seconds until WORKERS workers, none of `gone`, have loaded the app; None if they don't."""
    began = time.monotonic()
    expected = WORKERS if len(gone) > 1 else 1
    had = set(app.workers) - gone
    while time.monotonic() < began + limit_for_workers(app):
        if len(set(app.workers) - gone - had) >= expected:
            return time.monotonic() - began
        if GIVEN_UP in app.log():
            break
        time.sleep(0.02)
    return None


def limit_for_workers(app: Started) -> float:
    return FOR_THE_WORKERS + 2 * app.seconds


def requests(count: int) -> str:
    return {0: "no request", 1: "one request"}.get(count, f"{count} requests")


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
