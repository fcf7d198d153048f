"""The thread pool's edge: how many requests of one endpoint run at once, and who waits then."""

import threading
import time

from workerlab.report.app import Started, one_worker, running
from workerlab.report.client import Ping
from workerlab.report.environment import CannotRun
from workerlab.report.experiments.context import Context
from workerlab.report.experiments.load import at_once, can_take_load
from workerlab.report.findings import Bar, Finding, milliseconds
from workerlab.report.kinds import COMPUTES_IN_THREAD, THREAD
from workerlab.report.trying import Tried

AT_ONCE = 45  # requests: five more than the pool has threads by default
DEFAULT = 40
BETWEEN_CHECKS = 0.01  # seconds
WHAT = "the health check while the pool is full"
SLOWEST, QUICKEST = 1.0, 0.03  # seconds that a suitable endpoint takes alone


def find(context: Context) -> list[Finding]:
    """Fill the pool with the slowest suitable endpoint, and ask the health check meanwhile.

    Raises CannotRun if no endpoint runs in the pool.
    """
    # One that does something else as well gives its thread back early: nobody waits a whole turn.
    pooled = [one for one in can_take_load(context) if one.kind.names == [THREAD]]
    fitting = [one for one in pooled if QUICKEST <= one.kind.wall <= SLOWEST]
    if not fitting:
        known = any(one.kind.name in (THREAD, COMPUTES_IN_THREAD) for one in context.judged)
        raise CannotRun(
            f"no endpoint that waits in the pool takes {milliseconds(QUICKEST)} to {SLOWEST:g} s"
            if known
            else "no endpoint waits in the thread pool"
        )
    slow = max(fitting, key=lambda one: one.kind.wall)
    with running(context.reader, one_worker(context.reader)) as app:
        at_once(app, slow, 2)  # threads and connections are there then
        found = [edge(app, slow)]
        if found[0].figures["first_round"] < AT_ONCE:
            found += health_while_full(app, slow, context)
        else:
            context.unknown.append((WHAT, f"{AT_ONCE} requests at once did not fill it"))
    return found


def edge(app: Started, slow: Tried) -> Finding:
    run = at_once(app, slow, AT_ONCE)
    took = sorted(record.latency for record in run.records if record.ok)
    if len(took) < AT_ONCE:
        raise CannotRun(f"{AT_ONCE - len(took)} of {AT_ONCE} requests failed")
    # Those that had to wait for a thread take a whole turn longer.
    alone = slow.kind.wall
    first = [seconds for seconds in took if seconds < took[0] + 0.7 * alone]
    waited = AT_ONCE - len(first)
    title = f"The thread pool is full after {len(first)} requests to {slow.endpoint.name}"
    if not waited:
        title = f"{AT_ONCE} requests to {slow.endpoint.name} at once all got a thread"
    return Finding(
        "pool",
        "fine",
        title,
        f"{AT_ONCE} requests at once to {slow.endpoint.name}, which takes {milliseconds(alone)} "
        "alone, in one worker.",
        f"{len(first)} were answered in the first round, {waited} a round later. The quickest took "
        f"{milliseconds(took[0])}, the slowest {milliseconds(took[-1])}. The pool has {DEFAULT} "
        "threads in each worker, unless the app changes that.",
        "Nothing, as long as fewer run at once. Before you make the pool larger, look at what the "
        "threads wait for: a database may have fewer connections than that.",
        "03",
        [
            Bar("alone", alone, milliseconds(alone)),
            Bar(f"quickest of {AT_ONCE}", took[0], milliseconds(took[0])),
            Bar(f"slowest of {AT_ONCE}", took[-1], milliseconds(took[-1]), waited > 0),
        ],
        {"at_once": AT_ONCE, "first_round": len(first), "slowest_seconds": round(took[-1], 3)},
    )


def health_while_full(app: Started, slow: Tried, context: Context) -> list[Finding]:
    """Whether the health check answers while all threads are taken; nothing if that is not known.

    It waits for a thread if it takes longer than the ping, which needs none, by half of what a
    request keeps its thread.
    """
    checks = [one for one in can_take_load(context) if one.endpoint.is_health]
    if not checks:
        context.unknown.append((WHAT, "no endpoint looks like a health check"))
        return []
    check = checks[0]
    load = threading.Thread(target=at_once, args=(app, slow, 2 * AT_ONCE))
    slowest = 0.0
    with Ping(app.port) as ping:
        load.start()
        while load.is_alive():
            slowest = max(slowest, app.ask(check.endpoint.call, limit=10.0).seconds)
            time.sleep(BETWEEN_CHECKS)
        load.join()
    beside = ping.longest or 0.0
    waits = slowest > beside + 0.5 * slow.kind.wall
    if not waits and slowest > 0.5 * slow.kind.wall:
        context.unknown.append((WHAT, "the machine was too busy to tell"))
        return []
    name = check.endpoint.name
    return [
        Finding(
            "health",
            "serious" if waits else "fine",
            f"{name} waits while the thread pool is full"
            if waits
            else f"{name} answers while the thread pool is full",
            f"{2 * AT_ONCE} requests to {slow.endpoint.name} at once, and {name} again and again, "
            "with pings beside it.",
            f"The slowest answer took {milliseconds(slowest)}, the slowest ping "
            f"{milliseconds(beside)}. Alone it takes {milliseconds(check.kind.wall)}.",
            "Write the health check as `async def`, without anything that waits: otherwise a busy "
            "worker looks dead and is restarted, and the others get its load."
            if waits
            else "Nothing.",
            "12",
            figures={"seconds": round(slowest, 3), "ping_seconds": round(beside, 3)},
        )
    ]
