"""Sending requests: all at once, one after another, at a constant rate, or in a closed loop.

Every request has its own connection, its own record and a time limit. Nothing is retried, no
redirect is followed, and failures are not left out. Load goes to this machine only and is
bounded in number and time, and a reply in bytes.
"""

import asyncio
import codecs
import errno
import itertools
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from json import JSONDecodeError, dumps, loads
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

from workerlab.interrupted import unfinished
from workerlab.pictures import live
from workerlab.probe import REQUEST_ID_HEADER
from workerlab.records import CURE, NotKnown, OneLine, Record, Run
from workerlab.reports import reports
from workerlab.server.commands import is_loopback
from workerlab.server.server import stopped_at
from workerlab.status import status

MOST_REQUESTS = 5000
MOST_CLIENTS = 500
MOST_SECONDS = 120.0
MOST_BYTES = 20_000_000  # of a reply
# Seconds after which a handler that has not reported its beginning is taken not to report it.
UNTIMED = 0.3
STEADY_ROWS = 10  # of an open loop it is not known beforehand how many requests are in progress
_numbers = itertools.count(1)


class ServerStopped(OneLine, ConnectionError):
    """Load was sent to the address of a server that this notebook has stopped."""


class ConnectionGone(aiohttp.ClientError):
    """A connection that was to be kept is no longer open."""


class ReplyTooLong(aiohttp.ClientError):
    """A reply that goes on for more than MOST_BYTES."""


@dataclass(frozen=True)
class Content:
    """What a request carries besides its URL."""

    method: str
    body: bytes | None
    headers: dict[str, str]


def content(method: str, json: Any, headers: dict[str, str] | None) -> Content:
    """Raises TypeError if `json` is none."""
    own = dict(headers or {})
    if json is None:
        return Content(method.upper(), None, own)
    own = {"Content-Type": "application/json", **own}
    return Content(method.upper(), dumps(json).encode(), own)


async def burst(
    urls: str | Sequence[str],
    n: int = 1,
    *,
    after: Literal["began", "received"] | None = None,
    method: str = "GET",
    json: Any = None,
    headers: dict[str, str] | None = None,
    timeout: float = 30.0,
) -> Run:
    """Send `n` requests to each of `urls` and return when the last has its reply.

    By default all are sent at once. With `after="began"`, each is sent once the handler of the one
    before has begun in its worker; with `after="received"`, once the one before has its reply.
    `json` is the body of each, as in `method="POST", json={"tickets": 2}`, and `headers` are added
    to it. `timeout` is in seconds, for each.

    Raises ValueError for a URL beyond this machine, or more than 5000 requests; NotKnown if
    `after="began"` meets an app that does not report; ServerStopped for the address of a server
    that this notebook has stopped.
    """
    addresses = _addresses(urls) * n
    carried = content(method, json, headers)
    records = [record_of(url, carried) for url in addresses]
    check(records, timeout)

    async def send_all() -> None:
        async with _session(timeout) as session:
            if after is None:
                await together(fetch(session, record, carried) for record in records)
            elif after == "received":
                for record in records:
                    await fetch(session, record, carried)
            else:
                with reports.being_watched():
                    await _send_upon_beginnings(session, records, carried)

    return await measure(records, send_all, rows=1 if after == "received" else None)


async def steady(
    urls: str | Sequence[str],
    rate: float,
    seconds: float,
    *,
    method: str = "GET",
    json: Any = None,
    headers: dict[str, str] | None = None,
    timeout: float = 10.0,
) -> Run:
    """Send `rate` requests per second for `seconds`, whether or not replies arrive (open loop).

    They go to `urls` in turn; `method`, `json` and `headers` are as in `burst`.
    The run's `notes` say so if this client could not keep the rate.
    Raises ValueError for a URL beyond this machine, more than 5000 requests or 120 seconds;
    ServerStopped as `burst` does.
    """
    if not 0 < seconds <= MOST_SECONDS or rate <= 0:
        raise ValueError(f"rate must be above 0, and seconds from 0 to {MOST_SECONDS:g}")
    count = min(round(rate * seconds), MOST_REQUESTS + 1)
    carried = content(method, json, headers)
    in_turn = itertools.cycle(_addresses(urls))
    records = [record_of(url, carried) for url in itertools.islice(in_turn, count)]
    check(records, timeout)

    async def send_all() -> None:
        first = time.monotonic()
        for number, record in enumerate(records):
            record.due = first + number / rate
        async with _session(timeout) as session:
            await together(_fetch_when_due(session, record, carried) for record in records)

    run = await measure(records, send_all, about=seconds, rows=min(count, STEADY_ROWS))
    run.rate = rate
    lag = max(record.sent - record.due for record in records if record.due is not None)
    if lag > max(0.05, 1 / rate):
        run.notes.append(
            f"The client fell behind: measured: one request was sent {lag:.2f} s late "
            f"for {rate:g} a second. Close other programs, or lower the rate."
        )
    return run


async def closed_loop(
    urls: str | Sequence[str],
    clients: int,
    seconds: float,
    *,
    method: str = "GET",
    json: Any = None,
    headers: dict[str, str] | None = None,
    timeout: float = 30.0,
) -> Run:
    """Let each of `clients` send its next request as soon as it has the reply to its last one.

    They go to `urls` in turn; `method`, `json` and `headers` are as in `burst`.
    No request is sent after `seconds`, or after 5000 requests; those in progress are waited for. A
    server that slows down gets fewer requests, so latencies say less than under `steady`.
    Raises ValueError for a URL beyond this machine, more than 500 clients or 120 seconds;
    ServerStopped as `burst` does.
    """
    if not 1 <= clients <= MOST_CLIENTS or not 0 < seconds <= MOST_SECONDS:
        raise ValueError(
            f"clients must be from 1 to {MOST_CLIENTS}, and seconds from 0 to {MOST_SECONDS:g}"
        )
    carried = content(method, json, headers)
    addresses = _addresses(urls)
    check([record_of(url, carried) for url in addresses], timeout)
    in_turn = itertools.cycle(addresses)
    records: list[Record] = []

    async def client(session: aiohttp.ClientSession, end: float) -> None:
        while time.monotonic() < end and len(records) < MOST_REQUESTS:
            records.append(record_of(next(in_turn), carried))
            await fetch(session, records[-1], carried)

    async def send_all() -> None:
        end = time.monotonic() + seconds
        async with _session(timeout) as session:
            await together(client(session, end) for _ in range(clients))

    return await measure(records, send_all, addresses, about=seconds, rows=clients)


def _addresses(urls: str | Sequence[str]) -> list[str]:
    return [urls] if isinstance(urls, str) else list(urls)


def record_of(url: str, carried: Content) -> Record:
    return Record(id=f"{os.getpid():x}-{next(_numbers)}", url=url, method=carried.method)


def check(records: list[Record], timeout: float) -> None:
    if not 1 <= len(records) <= MOST_REQUESTS:
        raise ValueError(f"send from 1 to {MOST_REQUESTS} requests, not {len(records)}")
    if not 0 < timeout <= MOST_SECONDS:
        raise ValueError(f"timeout must be from 0 to {MOST_SECONDS:g} seconds, not {timeout}")
    for url in {record.url for record in records}:
        parts = urlsplit(url)
        if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
            raise ValueError(f"{url} is not an http:// URL on this machine; use server.url")


def _refuse_stopped(servers: set[str]) -> None:
    for server in servers:
        command = stopped_at(f"http://{server}")
        if command and not _somebody_listens(server):
            raise ServerStopped(
                f"the server at {server} was stopped: run the cell that starts it again, with "
                f"{command!r}"
            )


def _somebody_listens(server: str) -> bool:
    parts = urlsplit(f"//{server}")
    try:
        socket.create_connection((parts.hostname, parts.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


@asynccontextmanager
async def _session(timeout: float) -> AsyncIterator[aiohttp.ClientSession]:
    # limit=0: aiohttp would hold back request 101. force_close: a connection to each request.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with session_of(connector, timeout) as session:
        yield session


@asynccontextmanager
async def session_of(
    connector: aiohttp.TCPConnector, timeout: float, **more: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that sends each request once."""
    limits = aiohttp.ClientTimeout(total=timeout)
    async with aiohttp.ClientSession(connector=connector, timeout=limits, **more) as session:
        # Without this, aiohttp sends a GET again when the server hangs up: a lost request would
        # not be seen, and a handler that kills its worker would kill two. There is no public
        # switch in this release; tests/load/test_load.py watches that this one works.
        session._retry_connection = False
        yield session


async def measure(
    records: list[Record],
    send_all: Callable[[], Awaitable[None]],
    addresses: Iterable[str] = (),
    about: float | None = None,
    rows: int | None = None,
) -> Run:
    """Let `send_all` send the requests, and join what the workers report of each.

    `addresses` are their URLs where the records are made later; `about` is the number of seconds
    that it takes, if it is known. `rows`, about how many are in progress at once, by default all,
    tells how high the picture is to be that draws itself meanwhile.
    """
    urls = {*addresses, *(record.url for record in records)}
    servers = {urlsplit(url).netloc for url in urls}
    _refuse_stopped(servers)
    began = time.monotonic()
    try:
        with status("a server finishes requests of an interrupted run"):
            notes = await unfinished.wait(servers)
        with _progress(records, servers, rows or len(records), about):
            cpu = time.process_time()
            async with reports.being_read():
                await send_all()
            cpu = time.process_time() - cpu
    except asyncio.CancelledError as cancelled:
        unfinished.leave(records)
        _shorten(cancelled, time.monotonic() - began, records)
        raise
    for record in records:
        record.join(reports.of(record.id))
    unfinished.note_that_they_report(records)
    return Run(records, cpu, notes=notes)


def _progress(
    records: list[Record], servers: set[str], rows: int, about: float | None
) -> AbstractContextManager[None]:
    if live.can_be_drawn():
        return live.drawn(records, servers, rows, about)
    return status("sending requests", about, lambda: _so_far(records))


def _so_far(records: list[Record]) -> str:
    return f"{sum(record.received > 0 for record in records)} of {len(records)} done"


def _shorten(cancelled: asyncio.CancelledError, seconds: float, records: list[Record]) -> None:
    """Have a notebook show an interrupt as one line."""
    answered = sum(record.status is not None for record in records)
    sentence = f"stopped after {seconds:.1f} s, {answered} of {len(records)} answered"
    cancelled.args = (sentence,)
    cancelled._render_traceback_ = lambda: [sentence]  # IPython asks for it


async def together(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for coroutine in coroutines:
            group.create_task(coroutine)


async def _send_upon_beginnings(
    session: aiohttp.ClientSession, records: list[Record], carried: Content
) -> None:
    is_timed: dict[str, bool] = {}  # by path: whether its handler says when it begins
    async with asyncio.TaskGroup() as group:
        for record in records:
            reached = reports.event(record.id, "reached")
            began = reports.event(record.id, "began")
            sending = group.create_task(fetch(session, record, carried))
            # A request that fails before its handler begins must not hold up the others.
            await _first_of(reached, began, sending)
            path = urlsplit(record.url).path
            if is_timed.get(path, True):
                limit = None if is_timed.get(path) else UNTIMED
                await _first_of(began, sending, limit=limit)
                if began.done() or not sending.done():
                    is_timed[path] = began.done()
            if record.ok and not await _has_come(reached):
                break
        else:
            return
    raise NotKnown(
        'burst(..., after="began") waits until a handler has begun, but this app does not report '
        f"that: {CURE}"
    )


async def _first_of(*futures: asyncio.Future[None], limit: float | None = None) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED, timeout=limit)


async def _has_come(event: asyncio.Future[None]) -> bool:
    """Whether it was reported, now that the reply is here."""
    reports.receive()
    await asyncio.sleep(0)  # what was received is passed on in the loop's next turn
    return event.done()


async def _fetch_when_due(session: aiohttp.ClientSession, record: Record, carried: Content) -> None:
    await asyncio.sleep(max(0.0, record.due - time.monotonic()))
    await fetch(session, record, carried)


async def fetch(session: aiohttp.ClientSession, record: Record, carried: Content) -> None:
    headers = {**carried.headers, REQUEST_ID_HEADER: record.id}
    record.sent = time.monotonic()
    try:
        async with session.request(
            carried.method, record.url, data=carried.body, headers=headers, allow_redirects=False
        ) as response:
            record.status = response.status
            body = await _body(response)
            if response.content_type == "application/json":
                record.reply = loads(body)
            elif response.content_type.startswith("text/"):
                record.reply = body.decode(_encoding(response), errors="replace")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        record.error = _what_happened(error, has_begun=record.status is not None)
    except asyncio.CancelledError:
        record.stopped = True
        raise
    finally:
        record.received = time.monotonic()


async def _body(response: aiohttp.ClientResponse) -> bytearray:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            raise ReplyTooLong(f"the reply is longer than {MOST_BYTES // 1_000_000} MB")
    return body


def _encoding(response: aiohttp.ClientResponse) -> str:
    try:
        return codecs.lookup(response.charset or "utf-8").name
    except LookupError:
        return "utf-8"


def _what_happened(error: Exception, has_begun: bool) -> str:
    """Why there is no whole reply, in a sentence; `has_begun`: its status had come."""
    if isinstance(error, ConnectionGone | ReplyTooLong):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"no {'whole ' if has_begun else ''}reply within the time limit"
    if has_begun and isinstance(error, JSONDecodeError | UnicodeDecodeError):
        return "the reply claims to be JSON and is not"
    if has_begun:
        return "the reply was cut off in the middle"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without a reply"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "the server reset the connection without a reply"
    number = getattr(error, "errno", None)
    if number in (errno.ECONNRESET, errno.EPIPE):
        return "the server reset the connection without a reply"
    if number == errno.ECONNREFUSED:
        return "the connection was refused: no server listens at this address"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the reply is not HTTP"
    return f"{type(error).__name__}: {error}"
