"""Load for the experiments: workerlab.load's, with the reader's headers, to one endpoint."""

import asyncio

from workerlab.load import burst, closed_loop, steady
from workerlab.records import Record, Run
from workerlab.report.app import Started
from workerlab.report.environment import CannotRun
from workerlab.report.experiments.context import Context
from workerlab.report.kinds import HOLDS_UP, UNKNOWN
from workerlab.report.trying import Tried

LIMIT = 10.0  # seconds for a reply
TOO_MANY = 429


def url_of(app: Started, tried: Tried) -> str:
    return f"http://127.0.0.1:{app.port}{tried.endpoint.call.path}"


def headers_of(app: Started, tried: Tried) -> dict[str, str]:
    return {**app.reader.headers, **tried.endpoint.call.headers}


def at_once(app: Started, tried: Tried, count: int) -> Run:
    """Send `count` requests to the endpoint together."""
    sending = burst(url_of(app, tried), count, headers=headers_of(app, tried), timeout=LIMIT)
    return unless_limited(asyncio.run(sending))


def by_clients(app: Started, tried: Tried, clients: int, seconds: float) -> Run:
    """Let `clients` ask the endpoint, each as soon as it has its reply, for `seconds`."""
    sending = closed_loop(
        url_of(app, tried), clients, seconds, headers=headers_of(app, tried), timeout=LIMIT
    )
    return unless_limited(asyncio.run(sending))


def at_a_rate(app: Started, tried: Tried, rate: float, seconds: float) -> Run:
    """Send the endpoint `rate` requests a second for `seconds`, whatever comes of them."""
    sending = steady(
        url_of(app, tried), rate, seconds, headers=headers_of(app, tried), timeout=LIMIT
    )
    return unless_limited(asyncio.run(sending))


def unless_limited(run: Run) -> Run:
    """The run. Raises CannotRun if the app limits rates, since its answers say nothing then."""
    if any(record.status == TOO_MANY for record in run.records):
        raise CannotRun("the app limits rates: it answered 429 (too many requests)")
    return run


def lost(records: list[Record]) -> int:
    """How many requests got no whole reply. One that the app itself refused is not lost."""
    return sum(record.error is not None or record.status is None for record in records)


def can_take_load(context: Context) -> list[Tried]:
    """The endpoints that may be asked hundreds of times: GET, a good answer, no endless stream."""
    return [
        one
        for one in context.judged
        if one.endpoint.method == "GET"
        and not one.is_streaming
        and one.status is not None
        and one.status < 400
        and one.kind.name != UNKNOWN
    ]


def lightest(context: Context) -> Tried | None:
    """The endpoint that costs least: of those that hold nothing up, the quickest."""
    free = [one for one in can_take_load(context) if one.kind.names[0] not in HOLDS_UP]
    return min(free, key=lambda one: one.kind.wall, default=None)
