"""The timeline: what every worker did with every request, and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workerlab.pictures.layout import Bar, layout
from workerlab.pictures.palette import FAILED, FAINT, PLAIN, TEXT, WAITING, worker_colour
from workerlab.pictures.style import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from workerlab.records import Run

# In inches:
ROW = 0.24
MOST_OF_ROWS = 4.4
GAP = 0.16  # between two lanes
LINE = 0.18  # of text
MARK_TEXT = 0.2  # above the first lane
AROUND = 1.25  # title, axis and key


class Timeline(Picture):
    """Pale while a request or its reply waits, solid while its handler runs.

    Striped: the handler ran in the thread pool and not on the event loop. A cross: it failed.
    The height, in inches, is what the rows need, unless it is given.
    """

    def __init__(
        self,
        run: Run,
        title: str = "",
        workers: Iterable[int] = (),
        mark: tuple[float, str] | None = None,
        height: float | None = None,
    ) -> None:
        self.title = title
        self.mark = mark
        self.layout = layout(run, workers)
        rows = sum(self.layout.rows)
        around = AROUND + GAP * len(self.layout.lanes) + (MARK_TEXT if mark else 0)
        # Few rows are tall and many are thin, but the picture stays on one screen.
        room = height - around if height else MOST_OF_ROWS
        self._row = min(ROW, room / max(rows, 1))
        self.height = height or around + rows * self._row
        self.text = f"Timeline: {run!r}".split("\n")[0]
        if self.layout.idle:
            self.text += f", {len(self.layout.idle)} idle"
        if mark:
            self.text += f"; {mark[1]}: {mark[0]:.2f} s"

    def draw(self, figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(self.title)
        gap = GAP / self._row
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
            [self._name(lane) for lane in range(len(self.layout.lanes))],
        )
        head = MARK_TEXT / self._row if self.mark else 0.0
        # A height that was asked for may be more than the rows need.
        top = max(top, (self.height - AROUND) / self._row - head)
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

    def _name(self, lane: int) -> str:
        is_low = self.layout.rows[lane] * self._row + GAP < 2 * LINE
        return self.layout.name(lane, between=" " if is_low else "\n")

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
        if bar.record.failed:
            axes.plot(bar.received, y + 0.5, "x", color=FAILED, markersize=8, markeredgewidth=2.5)

    def _draw_key(self, figure: Figure) -> None:
        from matplotlib.legend_handler import HandlerTuple
        from matplotlib.patches import Patch

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
        if any(b.record.failed for b in bars):
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
