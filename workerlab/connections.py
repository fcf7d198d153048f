"""Kept connections: a client that sends one request after the other over each of them."""

import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from workerlab.load import (
    MOST_CLIENTS,
    ConnectionGone,
    check,
    content,
    fetch,
    measure,
    record_of,
    session_of,
    together,
)
from workerlab.records import Run

LONGEST_IDLE = 3600.0  # seconds; aiohttp by itself closes a connection that is idle for 15


class KeptConnections:
    """Some open connections to a server, numbered from 0.

    `opening` is the run of the requests that opened them; the worker of each is the one that holds
    the connection.
    """

    def __init__(self, server: str, sessions: list[aiohttp.ClientSession], timeout: float) -> None:
        self._server = server
        self._sessions = sessions
        self._timeout = timeout
        self.opening = Run([])

    def __len__(self) -> int:
        return len(self._sessions)

    async def burst(
        self,
        url: str,
        n: int = 1,
        *,
        over: Iterable[int] | None = None,
        method: str = "GET",
        json: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Run:
        """Send `n` requests over each connection, one after the other; all connections at once.

        `over` are the numbers of the connections to use, by default all; `method`, `json` and
        `headers` are as in `workerlab.burst`. `record.connection` says which one carried a request.
        A connection that the server has closed is not opened again: a request that should have used
        it is a record with an error.
        """
        numbers = range(len(self)) if over is None else list(over)
        if urlsplit(url).netloc != self._server:
            raise ValueError(f"these connections lead to {self._server}, not to {url}")
        carried = content(method, json, headers)
        queues = {number: [record_of(url, carried) for _ in range(n)] for number in numbers}
        records = [record for queue in queues.values() for record in queue]
        check(records, self._timeout)

        async def send(number: int) -> None:
            for record in queues[number]:
                record.connection = number
                await fetch(self._sessions[number], record, carried)

        return await measure(records, lambda: together(map(send, numbers)))

    async def _open(self, url: str) -> None:
        carried = content("GET", None, None)
        records = [record_of(url, carried) for _ in self._sessions]
        check(records, self._timeout)

        async def send_all() -> None:
            for number, (session, record) in enumerate(zip(self._sessions, records, strict=True)):
                record.connection = number
                await fetch(session, record, carried)

        self.opening = await measure(records, send_all)


@asynccontextmanager
async def kept_connections(
    url: str, n: int, *, timeout: float = 30.0
) -> AsyncIterator[KeptConnections]:
    """Open `n` connections, one after the other, by a GET of `url` each; close them at the end.

        async with kept_connections(f"{server.url}/health", 4) as connections:
            run = await connections.burst(f"{server.url}/slow?seconds=1")

    Between two bursts they are idle. `timeout` is in seconds, for each request.
    Raises ValueError for a URL beyond this machine, or more than 500 connections.
    """
    if not 1 <= n <= MOST_CLIENTS:
        raise ValueError(f"n must be from 1 to {MOST_CLIENTS} connections, not {n}")
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(_one_connection(timeout)) for _ in range(n)]
        connections = KeptConnections(urlsplit(url).netloc, sessions, timeout)
        await connections._open(url)
        yield connections


def _one_connection(timeout: float) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    """A session with one connection, which is never replaced by another."""
    opened = itertools.count()

    async def refuse_a_second(*_: object) -> None:
        if next(opened):
            raise ConnectionGone("this connection is no longer open")

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(refuse_a_second)
    connector = aiohttp.TCPConnector(limit=1, keepalive_timeout=LONGEST_IDLE)
    return session_of(connector, timeout, trace_configs=[trace])
