"""Requests of an interrupted run: the reader gave up on them, but a server is still at work."""

import asyncio
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

import psutil

from workerlab.records import Record
from workerlab.reports import Moment, reports

LONGEST = 10.0  # seconds to wait until a server has done with them
# Seconds without one in progress after which the rest is taken not to have left this process.
QUIET = 0.5


class Unfinished:
    """The requests that were given up, by server, with what was reported of each so far."""

    def __init__(self) -> None:
        self._left: dict[str, dict[str, dict[str, Moment]]] = {}
        self._reporting: set[str] = set()  # servers whose app is known to report

    def note_that_they_report(self, records: Iterable[Record]) -> None:
        """Remember which servers have reported on any of these."""
        urls = {record.url for record in records if record.reached is not None}
        self._reporting |= {urlsplit(url).netloc for url in urls}

    def leave(self, records: Iterable[Record]) -> None:
        """Remember those of an interrupted run that were sent and have no reply."""
        for record in records:
            moments = reports.of(record.id)
            record.join(moments)
            if moments:
                self._reporting.add(record.server)
            if record.sent and record.status is None and not record.error:
                self._left.setdefault(record.server, {})[record.id] = moments

    async def wait(self, servers: set[str]) -> list[str]:
        """Wait until these servers have done with them; return notes for the run that follows."""
        servers = servers & self._left.keys()
        begun = last_busy = time.monotonic()
        while servers & self._reporting and time.monotonic() < begun + LONGEST:
            in_progress, unseen = self._count(servers)
            if in_progress:
                last_busy = time.monotonic()
            elif not unseen or time.monotonic() > last_busy + QUIET:
                break
            await asyncio.sleep(0.02)
        notes = []
        if count := self._count(servers)[0]:
            notes.append(
                f"The server is still working on requests of an interrupted run ({count}), so "
                "these figures may be wrong. Run the cell that starts the server, then this one."
            )
        if servers - self._reporting:
            notes.append(
                "The run before was interrupted. It is not known whether the server is still "
                "working on its requests, since this app does not report."
            )
        for server in servers:
            self._left.pop(server, None)  # a run side by side with this one waits too
        return notes

    def _count(self, servers: set[str]) -> tuple[int, int]:
        """How many requests workers have in progress, and how many have not been seen there."""
        reports.receive()
        left = [one for server in servers for one in self._left.get(server, {}).items()]
        for request_id, moments in left:
            moments.update(reports.of(request_id))
        seen = [moments for _, moments in left if moments]
        return sum(map(_is_in_progress, seen)), len(left) - len(seen)


def _is_in_progress(moments: dict[str, Moment]) -> bool:
    pid, _, _ = next(iter(moments.values()))
    return not moments.keys() & {"replied", "raised"} and psutil.pid_exists(pid)


# This process's own.
unfinished = Unfinished()
