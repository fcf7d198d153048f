"""Where each request stands in a timeline: its lane and its row, whoever draws it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from workerlab.records import Record, Run


class Lane(NamedTuple):
    """A worker of a server and a path, as `/slow`; the path of an idle worker is empty.

    `worker` is a pid, or None for requests of which it is not known, or which reached none.
    """

    server: str
    worker: int | None
    path: str


@dataclass(frozen=True)
class Bar:
    """One request in the picture: its lane, its row within the lane, its times from the start."""

    record: Record
    lane: int
    row: int
    sent: float
    began: float | None
    ended: float | None
    received: float


@dataclass(frozen=True)
class Layout:
    """Where everything stands, before anything is drawn.

    Servers come in the order of their first request, workers in that of their first handler, then
    those that had no request; what has no worker comes last. `rows` is the number of rows in each
    lane.
    """

    bars: list[Bar]
    lanes: list[Lane]
    rows: list[int]

    @property
    def idle(self) -> list[int]:
        """The lanes without a request."""
        busy = {bar.lane for bar in self.bars}
        return [lane for lane in range(len(self.lanes)) if lane not in busy]

    def worker_number(self, lane: int) -> int:
        """The number of a lane's worker among all, counted from 0."""
        workers = list(dict.fromkeys((lane.server, lane.worker) for lane in self.lanes))
        return workers.index(self.lanes[lane][:2])

    def name(self, lane: int, between: str = "\n") -> str:
        """What stands beside a lane, two parts at most; server and path if there are several."""
        server, worker, path = self.lanes[lane]
        first = (
            f"worker {self._number_at_its_server(lane)}" if worker else self._without_worker(lane)
        )
        servers = {lane.server for lane in self.lanes if lane.path}
        if len(servers) > 1 and server:
            first = f":{server.rpartition(':')[2]}, {first}"
        several = len({lane.path for lane in self.lanes if lane.path}) > 1
        if several and path:
            # Two lanes of one worker are not to look like two workers.
            return f"{path}{between}{first}"
        return f"{first}{between}pid {worker}" if worker else first

    def _number_at_its_server(self, lane: int) -> int:
        server, worker, _ = self.lanes[lane]
        there = [lane.worker for lane in self.lanes if lane.server == server]
        return list(dict.fromkeys(there)).index(worker) + 1

    def _without_worker(self, lane: int) -> str:
        records = [bar.record for bar in self.bars if bar.lane == lane]
        if any(record.status for record in records):
            return "worker not known"
        return "no worker" if any(record.failed for record in records) else "waiting"


def layout(run: Run, workers: Iterable[int] = ()) -> Layout:
    """Give every request a lane and the first free row of it; each of `workers` has a lane too."""
    zero = min((r.sent for r in run.records), default=0.0)
    by_beginning = sorted(run.records, key=lambda r: (r.began is None, r.began or r.sent))
    lanes = _lanes(run.records, by_beginning, workers)
    free_from: list[list[float]] = [[] for _ in lanes]
    bars = []
    for record in by_beginning:
        lane = lanes.index(_lane_of(record))
        rows = free_from[lane]
        row = next((i for i, end in enumerate(rows) if end <= record.sent), len(rows))
        rows[row : row + 1] = [record.received]
        began, ended = record.began, record.ended
        if began is not None and ended is None:
            ended = record.received  # it died in its handler
        bars.append(
            Bar(
                record,
                lane,
                row,
                record.sent - zero,
                None if began is None else began - zero,
                None if ended is None else ended - zero,
                record.received - zero,
            )
        )
    return Layout(bars, lanes, [max(len(rows), 1) for rows in free_from])


def _lane_of(record: Record) -> Lane:
    return Lane(record.server, record.worker, urlsplit(record.url).path)


def _lanes(records: list[Record], by_beginning: list[Record], workers: Iterable[int]) -> list[Lane]:
    servers = list(dict.fromkeys(r.server for r in records))
    busy = list(dict.fromkeys(r.worker for r in by_beginning))
    paths = list(dict.fromkeys(urlsplit(r.url).path for r in records))
    idle = [pid for pid in workers if pid not in busy]
    # Of an idle worker of several servers it is not known whose it is.
    server = servers[0] if len(servers) == 1 else ""
    lanes = {_lane_of(record) for record in records} | {Lane(server, pid, "") for pid in idle}
    places = {key: place for place, key in enumerate([*servers, *busy, *idle, *paths, ""])}
    return sorted(lanes, key=lambda lane: (lane.worker is None, *map(places.get, lane)))
