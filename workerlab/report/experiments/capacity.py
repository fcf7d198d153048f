"""What one worker can take: more and more clients in a closed loop, until it no longer grows."""

from workerlab.report.app import Started, one_worker, running
from workerlab.report.environment import CannotRun
from workerlab.report.experiments.context import Context
from workerlab.report.experiments.load import by_clients, can_take_load, lightest
from workerlab.report.findings import Bar, Finding
from workerlab.report.kinds import HOLDS_UP
from workerlab.report.trying import Tried

CLIENTS = (1, 8, 32)
SECONDS = 1.0
GROWS = 1.15  # times the figure before
SLOWEST = 0.5  # seconds that a suitable endpoint takes alone
CLIENT_BOUND = 0.8  # of a core: above that, the client may be what limits


def find(context: Context) -> list[Finding]:
    """For the lightest endpoint, and the one that holds its worker up longest.

    Raises CannotRun if none is suitable.
    """
    light = lightest(context)
    heavy = [
        one
        for one in can_take_load(context)
        if one.kind.name in HOLDS_UP and one.kind.wall <= SLOWEST
    ]
    chosen = [light] if light is not None and light.kind.wall <= SLOWEST else []
    chosen += [max(heavy, key=lambda one: one.kind.held_up)] if heavy else []
    if not chosen:
        raise CannotRun(f"no endpoint takes less than {SLOWEST:g} s")
    with running(context.reader, one_worker(context.reader)) as app:
        return [grow(app, one) for one in chosen]


def grow(app: Started, tried: Tried) -> Finding:
    steps: list[tuple[int, float, float]] = []
    for clients in CLIENTS:
        run = by_clients(app, tried, clients, SECONDS)
        answered = [record for record in run.records if record.ok]
        if not answered:
            raise CannotRun(f"{tried.endpoint.name} answered nothing under load")
        seconds = max(record.received for record in run.records) - min(
            record.sent for record in run.records
        )
        steps.append((clients, len(answered) / seconds, run.client_cpu_share))
        if len(steps) > 1 and steps[-1][1] < GROWS * steps[-2][1]:
            break
    most = max(rate for _, rate, _ in steps)
    share = max(share for *_, share in steps)
    name = tried.endpoint.name
    bound = share > CLIENT_BOUND
    holds = tried.kind.holds_up
    return Finding(
        f"capacity-{name}",
        "fine",
        f"One worker answers {'at least ' if bound else ''}{most:.0f} requests to {name} a second",
        f"{', '.join(str(clients) for clients, *_ in steps)} clients, each sending its next "
        f"request as soon as it had its reply, {SECONDS:g} s each.",
        f"It {'did not grow any more' if steps[-1][1] < GROWS * steps[0][1] else 'grew'} with more "
        f"clients. The client itself used {share:.0%} of a core"
        + (": it may be what limited." if bound else "."),
        "More clients only wait longer here: what it does on the loop is the limit."
        if holds
        else "Divide the load that you expect by this figure, and leave room: that is the number "
        "of workers to start from, up to the number of cores.",
        "07",
        [
            Bar("1 client" if clients == 1 else f"{clients} clients", rate, f"{rate:.0f} a second")
            for clients, rate, _ in steps
        ],
        {
            "requests_a_second": round(most, 1),
            "client_cpu_share": round(share, 2),
            "steps": [[clients, round(rate, 1)] for clients, rate, _ in steps],
        },
    )
