"""What was seen of the eight requests of exercise 05, task 2: at the door, and by the workers."""

import time
from dataclasses import dataclass
from typing import Any

from workerlab.checks.recording_proxy import Arrival
from workerlab.checks.runner import Result
from workerlab.records import peak_overlap


@dataclass
class Work:
    """One request to /work which reached a worker. Times are monotonic seconds.

    `arrived` and `answered` are of the client, at the door; the others of the worker. `is_first`:
    its connection brought none before it.
    """

    url: int  # the number of the server
    connection: int
    is_first: bool
    arrived: float
    answered: float | None
    pid: int
    reached: float
    replied: float | None
    done: float | None
    status: int

    @property
    def seconds(self) -> float | None:
        return self.replied - self.reached if self.replied else None


@dataclass
class Seen:
    """All of it, up to `cut`, the moment at which the check ended it early, if it did.

    `workers` are the pids for each server; `died`: one of them ended by itself. `together`: the
    seconds that one worker took for four more requests at once, if the check has asked for that.
    """

    result: Result
    works: list[Work]
    arrivals: list[Arrival]
    workers: list[list[int]]
    cut: float | None
    died: bool
    log: str
    together: float | None = None

    def __post_init__(self) -> None:
        self.over = self.cut or time.monotonic()
        # What the client does when its server is gone says nothing.
        self.arrivals = [arrival for arrival in self.arrivals if arrival.arrived < self.over]
        self.works = [work for work in self.works if work.arrived < self.over]
        self.works.sort(key=lambda work: work.arrived)

    @property
    def one(self) -> float:
        """Seconds of the shortest handler."""
        return min((w.seconds for w in self.works if w.seconds), default=1.0)

    @property
    def took(self) -> float:
        """Seconds from the first begin to the last end."""
        return max(w.replied or self.over for w in self.works) - min(w.reached for w in self.works)

    @property
    def at_once(self) -> int:
        """How many requests the client had under way at one moment."""
        return peak_overlap([(a.arrived, a.answered or self.over) for a in self.arrivals])

    @property
    def per_worker(self) -> list[int]:
        """How many of them each worker served, most first, the idle ones too."""
        pids = [pid for pids in self.workers for pid in pids]
        pids += {work.pid for work in self.works} - set(pids)
        return sorted([sum(w.pid == pid for w in self.works) for pid in pids], reverse=True)

    @property
    def most_in_a_worker(self) -> int:
        """How many of them a worker had under way at one moment."""
        peaks = [
            peak_overlap([(w.reached, w.replied or self.over) for w in self.works if w.pid == pid])
            for pid in {work.pid for work in self.works}
        ]
        return max(peaks, default=0)

    @property
    def overlap_in_a_worker(self) -> bool:
        """Whether a worker had two of them under way at one moment."""
        return self.most_in_a_worker > 1

    @property
    def waits_in_the_handler(self) -> bool:
        """Whether some were with the app for much longer than others."""
        return any((w.replied or self.over) - w.reached > 1.5 * self.one for w in self.works)

    @property
    def limit_inside(self) -> int | None:
        """How many a worker let run at once, while others that it had waited in it; None: none did.

        Of several such workers the smallest number.
        """
        limits = []
        for pid in {work.pid for work in self.works}:
            own = [work for work in self.works if work.pid == pid and work.replied]
            first = min((work.replied for work in own), default=0.0)
            if any(w.reached < first and w.replied > first + 0.8 * self.one for w in own):
                limits.append(sum(work.replied <= first + self.one / 2 for work in own))
        return min(limits, default=None)

    @property
    def longest_row(self) -> int:
        """The largest number of handlers each of which began when the one before had ended."""
        row, until = 0, 0.0
        for work in sorted(self.works, key=lambda work: work.replied or self.over):
            if work.reached >= until:
                row, until = row + 1, work.replied or self.over
        return row


def works_of(number: int, arrivals: list[Arrival], moments: list[dict[str, Any]]) -> list[Work]:
    """The requests at the door of a server which reached its app at /work."""
    works = []
    of_port: dict[int, list[dict[str, Any]]] = {}
    for moment in moments:
        of_port.setdefault(moment["port"], []).append(moment)
    connections: set[int] = set()
    for arrival in arrivals:
        is_first = arrival.connection not in connections
        connections.add(arrival.connection)
        told = of_port.get(arrival.port, [])
        # Several requests of one connection come one after the other.
        reached = _take(told, "reached")
        if reached is None:
            continue
        replied, done = _take(told, "replied"), _take(told, "done")
        if reached["path"] == "/work":
            works.append(
                Work(
                    url=number,
                    connection=arrival.connection,
                    is_first=is_first,
                    arrived=arrival.arrived,
                    answered=arrival.answered,
                    pid=reached["pid"],
                    reached=reached["time"],
                    replied=replied and replied["time"],
                    done=done and done["time"],
                    status=replied["status"] if replied else 0,
                )
            )
    return works


def _take(told: list[dict[str, Any]], moment: str) -> dict[str, Any] | None:
    found = next((one for one in told if one["moment"] == moment), None)
    if found is not None:
        told.remove(found)
    return found
