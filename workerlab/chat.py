"""WebSocket clients of a server with several workers."""

import asyncio
import os
import signal

import aiohttp

from workerlab.server.server import Server

FIRST_WORD = 10.0  # seconds until a new client must have heard from its worker
Client = tuple[aiohttp.ClientWebSocketResponse, int]  # and the pid of its worker


async def join(session: aiohttp.ClientSession, server: Server, path: str, n: int) -> list[Client]:
    """Connect `n` clients to the WebSocket at `path`, at least one of them to each worker.

    The app sends each client the pid of its worker first. A worker that has its first client is
    paused (SIGSTOP) until each of them has one; the other clients come all at once, to whichever
    worker accepts them.
    """

    async def connect() -> Client:
        async with asyncio.timeout(FIRST_WORD):
            socket = await session.ws_connect(server.url + path)
            return socket, int(await socket.receive_str())

    clients: list[Client] = []
    workers = len(server.workers)
    try:
        for _ in range(workers):
            clients.append(await connect())
            os.kill(clients[-1][1], signal.SIGSTOP)
    finally:
        for _, pid in clients:
            os.kill(pid, signal.SIGCONT)
    return clients + await asyncio.gather(*(connect() for _ in range(n - workers)))
