"""A recording proxy in front of a server, which notes when each request arrives.

A worker that blocks sees a connection only when it is free again. So a server cannot tell whether
two requests were sent together or one after the other; a proxy in front of it can.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

HOLD = 0.02  # seconds for which a request is held: about what a network would take
BEAT = 0.01  # seconds


@dataclass
class Arrival:
    """A request at the proxy, in monotonic seconds; `answered` is when its reply began to come.

    `port` is the one from which the request goes on to the server.
    """

    port: int
    arrived: float
    answered: float = float("inf")


class RecordingProxy:
    """Forwards requests to 127.0.0.1:`to`, HOLD after their arrival, and up to `most` of them.

    All are held for the same time, so their order stays; and what is sent together has arrived
    before the first of it is served. Whoever sends more than `most` loses the connection.
    `late` is the longest that this process had to wait for its turn, in seconds.
    """

    def __init__(self, to: int, most: int) -> None:
        self.arrivals: list[Arrival] = []
        self.late = 0.0
        self.url = ""
        self._to = to
        self._most = most
        self._connections: set[asyncio.Task] = set()

    async def serve(self, ready: threading.Event) -> None:
        self._end, self._loop = asyncio.Event(), asyncio.get_running_loop()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        beating = asyncio.ensure_future(self._beat())
        ready.set()
        await self._end.wait()
        server.close()
        for task in (beating, *self._connections):
            task.cancel()
        await asyncio.gather(beating, *self._connections, return_exceptions=True)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)

    async def _beat(self) -> None:
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self.late = max(self.late, time.monotonic() - due)

    async def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._connections.add(asyncio.current_task())
        with contextlib.suppress(OSError), contextlib.closing(back):
            replies, server = await asyncio.open_connection("127.0.0.1", self._to)
            ours: list[Arrival] = []
            with contextlib.closing(server):
                sides = [
                    asyncio.ensure_future(self._requests(ours, client, server)),
                    asyncio.ensure_future(self._replies(ours, replies, back)),
                ]
                try:
                    await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for side in sides:
                        side.cancel()
                    await asyncio.gather(*sides, return_exceptions=True)

    async def _requests(
        self, ours: list[Arrival], client: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        port = server.get_extra_info("sockname")[1]
        while data := await client.read(65536):
            if data.split(b" ", 1)[0].isupper():  # the method; a body's later part has none
                ours.append(Arrival(port, time.monotonic()))
                self.arrivals.append(ours[-1])
                if len(self.arrivals) > self._most:
                    return
            await asyncio.sleep(HOLD)
            server.write(data)
            await server.drain()

    async def _replies(
        self, ours: list[Arrival], replies: asyncio.StreamReader, back: asyncio.StreamWriter
    ) -> None:
        while data := await replies.read(65536):
            ours[-1].answered = min(ours[-1].answered, time.monotonic())
            back.write(data)
            await back.drain()


@contextlib.contextmanager
def recorded(to: int, most: int) -> Iterator[RecordingProxy]:
    """A RecordingProxy in a thread of its own, as long as the block lasts."""
    proxy, ready = RecordingProxy(to, most), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(proxy.serve(ready)), daemon=True)
    thread.start()
    if not ready.wait(5):
        raise TimeoutError("no port could be opened on 127.0.0.1 within 5 s")
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(5)
