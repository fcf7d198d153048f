"""Receiving what the servers report: the kit's end of `workerlab.probe`.

One UDP socket on 127.0.0.1 for this process, bound at first use. Nothing is parsed while requests
are under way, except where somebody waits for an event: reading must not slow the client down.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class Reports:
    """The datagrams which have come, by request."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Room for what comes while Python is busy elsewhere; the system may grant less.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._started: dict[int, float] = {}
        self._moments: dict[str, dict[str, list[str]]] = {}
        self._unread: list[bytes] = []
        self._watchers = 0
        self._waiting: dict[tuple[str, str], asyncio.Future[None]] = {}

    def receive(self) -> None:
        """Take every waiting datagram off the socket."""
        while True:
            try:
                self._unread.append(self._socket.recv(1024))
            except BlockingIOError:
                break
        if self._waiting:
            self._parse()

    def of(self, request_id: str) -> dict[str, list[str]]:
        """What was reported of this request, moment to [pid, time, detail]; then forget it."""
        self._parse()
        return self._moments.pop(request_id, {})

    def workers_started(self, since: float) -> set[int]:
        """The pids of the workers whose start-up was reported as later than `since` (monotonic)."""
        self.receive()
        self._parse()
        return {pid for pid, when in self._started.items() if when > since}

    @asynccontextmanager
    async def being_read(self) -> AsyncIterator[None]:
        """Keep reading from within the running event loop."""
        # A hundred times a second is enough for the buffer, and cheaper than at each datagram; and
        # Jupyter's interrupt is noticed only by a loop that wakes up now and then.
        reading = asyncio.ensure_future(self._read_now_and_then())
        try:
            yield
        finally:
            reading.cancel()
            self.receive()

    @contextmanager
    def being_watched(self) -> Iterator[None]:
        """Read every datagram as it comes, for those who wait for an event."""
        loop = asyncio.get_running_loop()
        if self._watchers == 0:
            loop.add_reader(self._socket, self.receive)
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                loop.remove_reader(self._socket)
                # What an interrupted burst waited for will not be waited for again.
                self._waiting.clear()

    async def _read_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            self.receive()

    def event(self, request_id: str, moment: str) -> asyncio.Future[None]:
        """A future which is done when this moment of this request is reported."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[request_id, moment] = future
        return future

    def _parse(self) -> None:
        for datagram in self._unread:
            try:
                moment, request_id, pid, when, detail = datagram.decode().split(" ", 4)
                number, seconds = int(pid), float(when)
            except ValueError:
                continue  # not from workerlab.probe: any program of this machine can send here
            if moment == "started":
                self._started[number] = seconds
                continue
            self._moments.setdefault(request_id, {})[moment] = [pid, when, detail]
            future = self._waiting.pop((request_id, moment), None)
            if future is not None and not future.done():
                future.set_result(None)
        self._unread.clear()


_reports: Reports | None = None


def reports() -> Reports:
    """This process's receiver."""
    global _reports
    if _reports is None:
        _reports = Reports()
    return _reports
