"""Sending requests: all at once, one upon another, at a constant rate, or in a closed loop.

Every request has its own connection, its own record and a time limit. Nothing is retried, and
nothing that fails is left out. Load goes to this machine only and is bounded in number and time.
"""

import asyncio
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

from workerlab.probe import REQUEST_ID_HEADER
from workerlab.records import Record, Run
from workerlab.reports import reports
from workerlab.server.commands import is_loopback

MOST_REQUESTS = 5000
MOST_CLIENTS = 500
MOST_SECONDS = 120.0
_numbers = itertools.count(1)


async def burst(
    urls: str | Sequence[str],
    n: int = 1,
    *,
    after: Literal["began", "received"] | None = None,
    timeout: float = 30.0,
) -> Run:
    """Send `n` requests to each of `urls` and return when the last has its reply.

    By default all are sent at once. With `after="began"`, each is sent when the handler of the
    one before has begun in its worker (needs an app that reports: app.main does); with
    `after="received"`, when the one before has its reply. `timeout` is in seconds, for each.

    Raises ValueError for a URL beyond this machine, or more than 5000 requests.
    """
    addresses = [urls] * n if isinstance(urls, str) else list(urls) * n
    records = [_record(url) for url in addresses]
    _check(records, timeout)

    async def send_all(session: aiohttp.ClientSession) -> None:
        if after is None:
            await _together(_fetch(session, record) for record in records)
        elif after == "received":
            for record in records:
                await _fetch(session, record)
        else:
            with reports.being_watched():
                await _send_upon_beginnings(session, records)

    return await _measure(records, send_all, timeout)


async def steady(url: str, rate: float, seconds: float, *, timeout: float = 10.0) -> Run:
    """Send `rate` requests per second for `seconds`, whether or not the replies come (open loop).

    The run's `notes` say so if this client could not keep the rate.
    Raises ValueError for a URL beyond this machine, more than 5000 requests or 120 seconds.
    """
    if not 0 < seconds <= MOST_SECONDS or rate <= 0:
        raise ValueError(f"rate must be above 0, and seconds from 0 to {MOST_SECONDS:g}")
    records = [_record(url) for _ in range(min(round(rate * seconds), MOST_REQUESTS + 1))]
    _check(records, timeout)

    async def send_all(session: aiohttp.ClientSession) -> None:
        first = time.monotonic()
        for number, record in enumerate(records):
            record.due = first + number / rate
        await _together(_fetch_when_due(session, record) for record in records)

    run = await _measure(records, send_all, timeout)
    run.rate = rate
    lag = max(record.sent - record.due for record in records if record.due is not None)
    if lag > max(0.05, 1 / rate):
        run.notes.append(
            f"The client fell behind: measured: one request {lag:.2f} s later than "
            f"{rate:g} a second asks for. Close other programs, or lower the rate."
        )
    return run


async def closed_loop(url: str, clients: int, seconds: float, *, timeout: float = 30.0) -> Run:
    """Let each of `clients` send its next request as soon as it has the reply to its last one.

    No request is sent after `seconds`, or after 5000 requests; those in progress are waited for. A
    server that slows down gets fewer requests, so latencies tell less than under `steady`.
    Raises ValueError for a URL beyond this machine, more than 500 clients or 120 seconds.
    """
    if not 1 <= clients <= MOST_CLIENTS or not 0 < seconds <= MOST_SECONDS:
        raise ValueError(
            f"clients must be from 1 to {MOST_CLIENTS}, and seconds from 0 to {MOST_SECONDS:g}"
        )
    records: list[Record] = []
    _check([_record(url)], timeout)

    async def client(session: aiohttp.ClientSession, end: float) -> None:
        while time.monotonic() < end and len(records) < MOST_REQUESTS:
            records.append(_record(url))
            await _fetch(session, records[-1])

    async def send_all(session: aiohttp.ClientSession) -> None:
        end = time.monotonic() + seconds
        await _together(client(session, end) for _ in range(clients))

    return await _measure(records, send_all, timeout)


def _record(url: str) -> Record:
    return Record(id=f"{os.getpid():x}-{next(_numbers)}", url=url)


def _check(records: list[Record], timeout: float) -> None:
    if not 1 <= len(records) <= MOST_REQUESTS:
        raise ValueError(f"send from 1 to {MOST_REQUESTS} requests, not {len(records)}")
    if not 0 < timeout <= MOST_SECONDS:
        raise ValueError(f"timeout must be from 0 to {MOST_SECONDS:g} seconds, not {timeout}")
    for url in {record.url for record in records}:
        parts = urlsplit(url)
        if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
            raise ValueError(f"{url} is not an http:// URL on this machine; use server.url")


@asynccontextmanager
async def _session(timeout: float) -> AsyncIterator[aiohttp.ClientSession]:
    # limit=0: aiohttp would hold back request 101. force_close: a connection to each request.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    limits = aiohttp.ClientTimeout(total=timeout)
    async with aiohttp.ClientSession(connector=connector, timeout=limits) as session:
        # Without this, aiohttp sends a GET again when the server hangs up: a lost request would
        # not be seen, and a handler that kills its worker would kill two. There is no public
        # switch in this release; tests/load/test_load.py watches that this one works.
        session._retry_connection = False
        yield session


async def _measure(records: list[Record], send_all, timeout: float) -> Run:
    cpu = time.process_time()
    async with _session(timeout) as session, reports.being_read():
        await send_all(session)
    cpu = time.process_time() - cpu
    for record in records:
        record.join(reports.of(record.id))
    return Run(records, cpu)


async def _together(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for coroutine in coroutines:
            group.create_task(coroutine)


async def _send_upon_beginnings(session: aiohttp.ClientSession, records: list[Record]) -> None:
    async with asyncio.TaskGroup() as group:
        for record in records:
            began = reports.event(record.id, "began")
            fetch = group.create_task(_fetch(session, record))
            # A request that fails before its handler begins must not hold up the others.
            await asyncio.wait([began, fetch], return_when=asyncio.FIRST_COMPLETED)


async def _fetch_when_due(session: aiohttp.ClientSession, record: Record) -> None:
    await asyncio.sleep(max(0.0, record.due - time.monotonic()))
    await _fetch(session, record)


async def _fetch(session: aiohttp.ClientSession, record: Record) -> None:
    record.sent = time.monotonic()
    try:
        async with session.get(record.url, headers={REQUEST_ID_HEADER: record.id}) as response:
            body = await response.read()
            record.status = response.status
            if response.content_type == "application/json":
                record.reply = json.loads(body)
    except TimeoutError:
        record.error = "no reply within the time limit"
    except aiohttp.ServerDisconnectedError:
        record.error = "the server closed the connection without a reply"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        record.error = f"{type(error).__name__}: {error}"
    finally:
        record.received = time.monotonic()
