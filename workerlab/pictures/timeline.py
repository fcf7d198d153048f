"""The timeline: what every worker did with every request, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from workerlab.pictures.style import FAILED, FAINT, PLAIN, WAITING, Picture, worker_colour

if TYPE_CHECKING:
    from workerlab.records import Record, Run


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

    A lane is a worker's pid and a path as `/slow`. Workers come in the order of their first
    handler; None, for requests that reached no worker, comes last. `rows` is the number of rows
    in each lane.
    """

    bars: list[Bar]
    lanes: list[tuple[int | None, str]]
    rows: list[int]

    def worker_number(self, lane: int) -> int:
        """The number of a lane's worker, counted from 0."""
        pids = list(dict.fromkeys(pid for pid, _ in self.lanes))
        return pids.index(self.lanes[lane][0])

    def name(self, lane: int) -> str:
        """What stands beside a lane; the path only where there are several."""
        pid, path = self.lanes[lane]
        several = len({path for _, path in self.lanes}) > 1
        worker = f"worker {self.worker_number(lane) + 1}" if pid else "no worker"
        return "\n".join([worker, path if several else f"pid {pid}" if pid else ""])


def layout(run: Run) -> Layout:
    """Give every request a lane and the first row of it which is free."""
    zero = min((r.sent for r in run.records), default=0.0)
    by_beginning = sorted(run.records, key=lambda r: (r.began is None, r.began or r.sent))
    workers = list(dict.fromkeys(r.worker for r in by_beginning))
    paths = list(dict.fromkeys(urlsplit(r.url).path for r in run.records))
    lanes = sorted(
        {(r.worker, urlsplit(r.url).path) for r in run.records},
        key=lambda lane: (lane[0] is None, workers.index(lane[0]), paths.index(lane[1])),
    )
    free_from: list[list[float]] = [[] for _ in lanes]
    bars = []
    for record in by_beginning:
        lane = lanes.index((record.worker, urlsplit(record.url).path))
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
    return Layout(bars, lanes, [len(rows) for rows in free_from])


class Timeline(Picture):
    """Pale while a request or its reply waits, solid while its handler runs.

    Striped: the handler ran in the thread pool and not on the event loop. A cross: it failed.
    """

    def __init__(self, run: Run, title: str = "") -> None:
        self.title = title
        self.layout = layout(run)
        rows = sum(self.layout.rows)
        # Few rows are tall and many are thin, but the picture stays on one screen.
        self._row = min(0.24, 4.4 / max(rows, 1))
        self.height = 1.25 + rows * self._row + 0.16 * len(self.layout.lanes)
        self.text = f"Timeline: {run!r}".split("\n")[0]

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
        axes.set_yticks(
            [start + rows / 2 for start, rows in zip(tops, self.layout.rows, strict=True)],
            [self.layout.name(lane) for lane in range(len(self.layout.lanes))],
        )
        axes.set_ylim((top or 1.0) - gap / 2, -gap / 2)
        end = max((bar.received for bar in self.layout.bars), default=1.0)
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
        several = len({bar.record.worker for bar in bars if bar.began is not None}) > 1
        colour = PLAIN if several else worker_colour(0)
        kinds = [Patch(color=WAITING, label="request or reply waits")]
        if any(b.began is not None and not b.record.in_thread_pool for b in bars):
            kinds.append(Patch(color=colour, label="handler under way"))
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
        if several:
            kinds.append(Patch(color="none", label="a colour for each worker"))
        figure.legend(
            handles=kinds,
            loc="outside lower left",
            ncols=len(kinds),
            frameon=False,
            fontsize=9.5,
            labelcolor=FAINT,
            handlelength=1.2,
            handletextpad=0.5,
            columnspacing=1.2,
        )
