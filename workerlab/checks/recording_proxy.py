"""A door before a server, which notes when each request arrives there.

A worker that blocks sees a connection only when it is free again. So a server cannot tell whether
two requests were sent together or one upon the other; what stands before it can.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Arrival:
    """A request at the door.

    `connection` is the number of the client's connection, `port` the one from which the request
    goes on to the server, and `answered` when the first bytes of a reply came back (monotonic).
    """

    connection: int
    port: int
    arrived: float
    answered: float | None = None


class Front:
    """Forwards each connection to 127.0.0.1:`to`, every request `hold` seconds after its arrival.

    The hold is what a network would take. It is the same for all, so their order stays, and it
    sets requests that are sent together apart from those which wait for one another.
    The first connections are let through together, when none has come for `quiet` seconds: so what
    is sent together stays together, even if the client is slow in doing so.
    """

    def __init__(self, to: int, hold: float = 0.04, quiet: float = 0.0) -> None:
        self.arrivals: list[Arrival] = []
        self._to = to
        self._hold = hold
        self._quiet = quiet
        self._is_open = asyncio.Event()
        self._opening: asyncio.TimerHandle | None = None
        self._connections = 0
        self._forwards: set[asyncio.Task] = set()
        self.url = ""

    async def serve(self, ready: threading.Event) -> None:
        self._end = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        ready.set()
        await self._end.wait()
        server.close()
        for task in self._forwards:
            task.cancel()
        await asyncio.gather(*self._forwards, return_exceptions=True)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)

    async def _forward(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._forwards.add(asyncio.current_task())
        self._connections += 1
        number = self._connections
        await self._until_quiet()
        with contextlib.suppress(OSError), contextlib.closing(back):
            replies, server = await asyncio.open_connection("127.0.0.1", self._to)
            with contextlib.closing(server):
                sides = [
                    asyncio.ensure_future(self._requests(number, client, server)),
                    asyncio.ensure_future(self._replies(number, replies, back)),
                ]
                try:
                    await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for side in sides:
                        side.cancel()
                    await asyncio.gather(*sides, return_exceptions=True)

    async def _until_quiet(self) -> None:
        if self._is_open.is_set():
            return
        if self._opening is not None:
            self._opening.cancel()
        self._opening = self._loop.call_later(self._quiet, self._is_open.set)
        await self._is_open.wait()

    async def _requests(self, number: int, client, server) -> None:
        port = server.get_extra_info("sockname")[1]
        while data := await client.read(65536):
            if data.split(b" ", 1)[0].isupper():  # the method; a body's later part has none
                self.arrivals.append(Arrival(number, port, time.monotonic()))
            await asyncio.sleep(self._hold)
            server.write(data)
            await server.drain()

    async def _replies(self, number: int, replies, back) -> None:
        while data := await replies.read(65536):
            for arrival in self.arrivals:
                if arrival.connection == number and arrival.answered is None:
                    arrival.answered = time.monotonic()
            back.write(data)
            await back.drain()


@contextlib.contextmanager
def front(to: int, hold: float = 0.04, quiet: float = 0.0) -> Iterator[Front]:
    """A Front in a thread of its own, as long as the block lasts."""
    door, ready = Front(to, hold, quiet), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(door.serve(ready)), daemon=True)
    thread.start()
    if not ready.wait(5):
        raise TimeoutError("no port could be opened on 127.0.0.1 within 5 s")
    try:
        yield door
    finally:
        door.close()
        thread.join(5)
