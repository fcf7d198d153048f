"""Receiving what the servers report: the kit's end of `workerlab.probe`.

Each server writes into a named pipe of its own, in its folder. Nothing is parsed while requests
are in progress, except where somebody waits for an event: reading must not slow the client down.
"""

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

# What was reported of a request at one moment: the worker's pid, monotonic seconds, a detail.
Moment = tuple[int, float, str]

# Bytes that wait while Python is busy elsewhere: some 15,000 reports. Linux grants it, macOS has
# its own measure (64 KiB).
ROOM = 1024 * 1024


class Pipe:
    """The reading end of the named pipe at this path, which is made if it is not there."""

    def __init__(self, path: Path) -> None:
        # Under its name it is seen when it has a reader, without whom nobody could open it.
        unfinished = path if path.exists() else path.with_name(f"{path.name}.unfinished")
        if unfinished != path:
            os.mkfifo(unfinished, 0o600)
        self.reading = os.open(unfinished, os.O_RDONLY | os.O_NONBLOCK)
        # A writer of our own: the pipe shall not end with the last worker's.
        self._writing = os.open(unfinished, os.O_WRONLY | os.O_NONBLOCK)
        unfinished.rename(path)
        with contextlib.suppress(AttributeError, OSError):
            fcntl.fcntl(self.reading, fcntl.F_SETPIPE_SZ, ROOM)
        self._rest = b""

    def read(self) -> bytes:
        """The complete lines that have come since the last time."""
        try:
            new = os.read(self.reading, ROOM)
        except BlockingIOError:
            return b""
        lines, _, self._rest = (self._rest + new).rpartition(b"\n")
        return lines

    def close(self) -> None:
        os.close(self.reading)
        os.close(self._writing)


class Reports:
    """What has been reported, by request. Several threads may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipes: dict[Path, Pipe] = {}
        self._started: dict[int, float] = {}
        self._moments: dict[str, dict[str, Moment]] = {}
        self._unread: list[bytes] = []
        self._watchers = 0
        self._watched: list[int] = []
        self._waiting: dict[tuple[str, str], asyncio.Future[None]] = {}

    def listen(self, path: Path) -> None:
        """Receive what is written into the named pipe of this path, which is made if need be."""
        with self._lock:
            self._pipes[path] = Pipe(path)

    def forget(self, path: Path) -> None:
        """Receive what is in the pipe, and listen no longer. The file is its folder's to remove.

        Does nothing where nobody listens to this path.
        """
        self.receive()
        with self._lock:
            if pipe := self._pipes.pop(path, None):
                pipe.close()

    def receive(self) -> None:
        """Take what has been written out of the pipes."""
        with self._lock:
            for pipe in self._pipes.values():
                if lines := pipe.read():
                    self._unread.append(lines)
            if self._waiting:
                self._parse()

    def of(self, request_id: str) -> dict[str, Moment]:
        """What was reported of this request, by the name of the moment; then forget it."""
        with self._lock:
            self._parse()
            return self._moments.pop(request_id, {})

    def observed(self, token: str) -> dict[str, dict[str, Moment]]:
        """What was reported of the requests of all clients, where `token` is the value of
        `probe.OBSERVE`: by ID, as `probe` makes it. They are not forgotten."""
        self.receive()
        with self._lock:
            self._parse()
            ids = [name for name in self._moments if name.startswith(f"{token}:")]
            return {name: dict(self._moments[name]) for name in ids}

    def so_far(self, request_ids: Iterable[str]) -> dict[str, dict[str, Moment]]:
        """What has been reported of these requests up to now, by ID. They are not forgotten."""
        self.receive()
        with self._lock:
            self._parse()
            known = self._moments
            return {name: dict(known[name]) for name in request_ids if name in known}

    def workers_started(self, since: float) -> set[int]:
        """The pids of the workers whose start-up was reported as later than `since` (monotonic)."""
        self.receive()
        with self._lock:
            self._parse()
            return {pid for pid, when in self._started.items() if when > since}

    @contextlib.asynccontextmanager
    async def being_read(self) -> AsyncIterator[None]:
        """Keep reading from within the running event loop."""
        # A hundred times a second is enough for the pipes, and cheaper than at each report; and
        # Jupyter's interrupt is noticed only by a loop that wakes up now and then.
        reading = asyncio.ensure_future(self._read_now_and_then())
        try:
            yield
        finally:
            reading.cancel()
            self.receive()

    @contextlib.contextmanager
    def being_watched(self) -> Iterator[None]:
        """Read every report as it comes, for those who wait for an event."""
        loop = asyncio.get_running_loop()
        if self._watchers == 0:
            self._watched = [pipe.reading for pipe in self._pipes.values()]
            for descriptor in self._watched:
                loop.add_reader(descriptor, self.receive)
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                for descriptor in self._watched:
                    loop.remove_reader(descriptor)
                # What an interrupted burst waited for will not be waited for again.
                self._waiting.clear()

    async def _read_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            self.receive()

    def event(self, request_id: str, moment: str) -> asyncio.Future[None]:
        """A future that is done when this moment of this request is reported."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[request_id, moment] = future
        return future

    def _parse(self) -> None:
        for line in b"\n".join(self._unread).decode(errors="replace").splitlines():
            try:
                moment, request_id, pid, when, detail = line.split(" ", 4)
                reported = int(pid), float(when), detail
            except ValueError:
                continue  # not from workerlab.probe
            if moment == "started":
                self._started[reported[0]] = reported[1]
                continue
            self._moments.setdefault(request_id, {})[moment] = reported
            if self._waiting and (future := self._waiting.pop((request_id, moment), None)):
                # It may be another thread's loop that waits.
                future.get_loop().call_soon_threadsafe(_done, future)
        self._unread.clear()


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


# This process's own.
reports = Reports()
