"""The timeline: what every worker did with every request, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Patch

from workerlab.pictures.style import FAILED, FAINT, PLAIN, TEXT, WAITING, Picture, worker_colour

if TYPE_CHECKING:
    from workerlab.records import Record, Run

MARK_TEXT = 0.2  # inches above the first lane


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

    def name(self, lane: int) -> str:
        """What stands beside a lane; server and path only where there are several."""
        server, worker, path = self.lanes[lane]
        first = (
            f"worker {self._number_at_its_server(lane)}" if worker else self._without_worker(lane)
        )
        servers = {lane.server for lane in self.lanes if lane.path}
        if len(servers) > 1 and server:
            first = f":{server.rpartition(':')[2]}, {first}"
        several = len({lane.path for lane in self.lanes if lane.path}) > 1
        if several and path:
            return f"{path}\n{first}"  # two lanes of one worker are not to look like two workers
        return f"{first}\npid {worker}" if worker else first

    def _number_at_its_server(self, lane: int) -> int:
        server, worker, _ = self.lanes[lane]
        there = [lane.worker for lane in self.lanes if lane.server == server]
        return list(dict.fromkeys(there)).index(worker) + 1

    def _without_worker(self, lane: int) -> str:
        was_answered = any(bar.record.status for bar in self.bars if bar.lane == lane)
        return "worker not known" if was_answered else "no worker"


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


class Timeline(Picture):
    """Pale while a request or its reply waits, solid while its handler runs.

    Striped: the handler ran in the thread pool and not on the event loop. A cross: it failed.
    """

    def __init__(
        self,
        run: Run,
        title: str = "",
        workers: Iterable[int] = (),
        mark: tuple[float, str] | None = None,
    ) -> None:
        self.title = title
        self.mark = mark
        self.layout = layout(run, workers)
        rows = sum(self.layout.rows)
        # Few rows are tall and many are thin, but the picture stays on one screen.
        self._row = min(0.24, 4.4 / max(rows, 1))
        self.height = 1.25 + rows * self._row + 0.16 * len(self.layout.lanes)
        self.height += MARK_TEXT if mark else 0
        self.text = f"Timeline: {run!r}".split("\n")[0]
        if self.layout.idle:
            self.text += f", {len(self.layout.idle)} idle"
        if mark:
            self.text += f"; {mark[1]}: {mark[0]:.2f} s"

    def draw(self, figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(self.title)
        gap = 0.16 / self._row
        tops = []
        top = 0.0
        for rows in self.layout.rows:
            tops.append(top)
            top += rows + gap
        for bar in self.layout.bars:
            self._draw_bar(axes, bar, tops[bar.lane] + bar.row)
        for lane in self.layout.idle:
            axes.text(0, tops[lane] + 0.5, " no request", color=FAINT, va="center")
        axes.set_yticks(
            [start + rows / 2 for start, rows in zip(tops, self.layout.rows, strict=True)],
            [self.layout.name(lane) for lane in range(len(self.layout.lanes))],
        )
        head = MARK_TEXT / self._row if self.mark else 0.0
        axes.set_ylim((top or 1.0) - gap / 2, -gap / 2 - head)
        end = max((bar.received for bar in self.layout.bars), default=1.0)
        if self.mark:
            place, text = self.mark
            axes.axvline(place, color=TEXT, linestyle=":", linewidth=1.5)
            axes.text(place, -gap / 2 - head, f" {text}", color=FAINT, fontsize=9.5, va="top")
            end = max(end, place)
        axes.set_xlim(0, end * 1.02 or 1.0)
        axes.set_xlabel("seconds")
        axes.grid(axis="x", color=WAITING, linewidth=0.8)
        axes.set_axisbelow(True)
        self._draw_key(figure)

    def _draw_bar(self, axes, bar: Bar, y: float) -> None:
        colour = worker_colour(self.layout.worker_number(bar.lane))
        height = 0.78 if self._row > 0.1 else 1.0
        place = {"y": y + 0.5, "height": height}
        # A bar too short to be seen is given a hair's breadth by its edge.
        axes.barh(width=bar.received - bar.sent, left=bar.sent, color=WAITING, **place)
        if bar.began is not None and bar.ended is not None:
            axes.barh(
                width=bar.ended - bar.began,
                left=bar.began,
                color=colour,
                edgecolor="white" if bar.record.in_thread_pool else colour,
                hatch="////" if bar.record.in_thread_pool else None,
                linewidth=0 if bar.record.in_thread_pool else 0.7,
                **place,
            )
        if not bar.record.ok:
            axes.plot(bar.received, y + 0.5, "x", color=FAILED, markersize=8, markeredgewidth=2.5)

    def _draw_key(self, figure: Figure) -> None:
        bars = self.layout.bars
        busy = [bar for bar in bars if bar.began is not None]
        several = len({bar.record.worker for bar in busy}) > 1
        colour = PLAIN if several else worker_colour(0)
        kinds = [Patch(color=WAITING, label="request or reply waits")]
        if any(b.began is not None and not b.record.in_thread_pool for b in bars):
            kinds.append(Patch(color=colour, label="handler in progress"))
        if any(b.record.in_thread_pool for b in bars):
            kinds.append(
                Patch(
                    facecolor=colour,
                    edgecolor="white",
                    hatch="////",
                    linewidth=0,
                    label="handler in the thread pool",
                )
            )
        if any(not b.record.ok for b in bars):
            kinds.append(Patch(color=FAILED, label="failed (x)"))
        labels = [patch.get_label() for patch in kinds]
        if several:
            numbers = dict.fromkeys(map(self.layout.worker_number, sorted({b.lane for b in busy})))
            kinds.append(tuple(Patch(color=worker_colour(number)) for number in numbers))
            labels.append("a colour for each worker")
        figure.legend(
            kinds,
            labels,
            handler_map={tuple: HandlerTuple(ndivide=None, pad=0.2)},
            loc="outside lower left",
            ncols=len(kinds),
            frameon=False,
            fontsize=9.5,
            labelcolor=FAINT,
            handlelength=1.6,
            handletextpad=0.5,
            columnspacing=1.2,
        )
