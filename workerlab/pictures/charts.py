"""Pictures of plain numbers."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workerlab.claims import is_plain_number
from workerlab.pictures.palette import FAINT, GUESS, PLAIN, WAITING
from workerlab.pictures.style import WIDTH, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Bars(Picture):
    """A horizontal bar for each of a few numbers, with its figure written beside it."""

    def __init__(
        self, values: Mapping[str, float], unit: str, title: str, mark: float | None
    ) -> None:
        self.values = dict(values)
        self.unit = unit
        self.title = title
        self.mark = mark
        self.height = 0.9 + 0.42 * len(self.values)
        figures = ", ".join(
            f"{label} {_figure(value)} {unit}" for label, value in self.values.items()
        )
        self.text = f"Bars: {len(self.values)} values; measured: {figures}"

    def draw(self, figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(self.title)
        positions = range(len(self.values))
        axes.barh(positions, list(self.values.values()), color=PLAIN, height=0.6)
        most = max([*self.values.values(), self.mark or 0]) or 1.0
        for position, value in zip(positions, self.values.values(), strict=True):
            axes.text(value + most * 0.01, position, f"{_figure(value)} {self.unit}", va="center")
        if self.mark is not None:
            axes.axvline(self.mark, color=GUESS, linestyle=":", linewidth=1.5)
            axes.text(self.mark, -0.62, " your guess", color=FAINT, fontsize=9.5, va="bottom")
        axes.set_yticks(positions, list(self.values))
        axes.set_ylim(len(self.values) - 0.5, -0.7)
        axes.set_xlim(0, most * 1.15)
        axes.set_xlabel({"s": "seconds"}.get(self.unit, self.unit))


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or isinstance(value, int) else f"{value:.2f}"


def bars(
    values: Mapping[str, float], unit: str, title: str = "", mark: float | None = None
) -> Bars:
    """A bar for each value, `unit` written beside it; `mark` draws a line at the reader's guess."""
    return Bars(values, unit, title, mark if is_plain_number(mark) else None)


class Distribution(Picture):
    """A row of bars for each of a few kinds of runs: how many runs had which result."""

    def __init__(
        self, results: Mapping[str, Sequence[int]], unit: str, title: str, best: int | None
    ) -> None:
        self.counts = {label: Counter(values) for label, values in results.items()}
        self.unit = unit
        self.title = title
        self.best = best
        self.height = 1.3 + 0.8 * len(self.counts)
        found = "; ".join(
            f"{label}: " + ", ".join(f"{count} x {value}" for value, count in sorted(runs.items()))
            for label, runs in self.counts.items()
        )
        self.text = f"Distribution: {len(self.counts)} kinds of runs; measured: {found}"

    def draw(self, figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(self.title)
        most = max((count for runs in self.counts.values() for count in runs.values()), default=1)
        for row, runs in enumerate(self.counts.values()):
            foot = row + 0.4
            axes.axhline(foot, color=WAITING, linewidth=0.8, zorder=0)
            for value, count in runs.items():
                height = 0.6 * count / most
                axes.bar(value, height, bottom=foot - height, color=PLAIN, width=0.6, zorder=2)
                axes.text(
                    *(value, foot - height - 0.06), count, ha="center", fontsize=9.5,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
                )  # fmt: skip
        if self.best is not None:
            axes.axvline(self.best, color=FAINT, linestyle=":", linewidth=1.5, zorder=1)
            axes.text(self.best, -0.75, "  even", color=FAINT, fontsize=9.5, va="top")
        values = [value for runs in self.counts.values() for value in runs]
        axes.set_xlim(min([*values, self.best or 1]) - 0.7, max([*values, 8]) + 0.7)
        axes.set_xticks(range(min([*values, self.best or 1]), max([*values, 8]) + 1))
        axes.set_yticks([row + 0.1 for row in range(len(self.counts))], list(self.counts))
        axes.set_ylim(len(self.counts) - 0.55, -0.75)
        axes.set_xlabel(self.unit)


def distribution(
    results: Mapping[str, Sequence[int]], unit: str, title: str = "", best: int | None = None
) -> Distribution:
    """The results of repeated runs, a row of bars for each kind; the numbers count the runs.

    `best` draws a line at the result of an even share.
    """
    return Distribution(results, unit, title, best)


LINES = [("o", "-"), ("s", "--"), ("^", ":")]  # marker, dashes; told apart by their labels too
LABEL = 0.1  # inches, the width of a letter


class Curves(Picture):
    """One or more labelled lines through measured points, and a mark at one place.

    With `panels`, each line stands in a panel of its own, since its height compares to no other's.
    """

    height = 3.6

    def __init__(
        self,
        lines: Mapping[str, Mapping[float, float]],
        across: str,
        up: str,
        title: str,
        mark: tuple[float, str] | None,
        panels: bool,
    ) -> None:
        self.lines = {label: dict(points) for label, points in lines.items()}
        self.across = across
        self.up = up
        self.title = title
        self.mark = mark
        self.panels = panels
        found = "; ".join(
            f"{label}: " + ", ".join(f"{_short(y)} at {x:g}" for x, y in points.items())
            for label, points in self.lines.items()
        )
        self.text = f"Curves: {up} by {across}; measured: {found}"

    def draw(self, figure: Figure) -> None:
        if not self.panels:
            axes = figure.subplots()
            axes.set_title(self.title)
            self._draw_lines(axes, self.lines)
            axes.set_ylabel(self.up)
            return
        figure.suptitle(self.title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        every = figure.subplots(1, len(self.lines))
        for axes, (label, points) in zip(every, self.lines.items(), strict=True):
            axes.set_title(label, fontsize=11, fontweight="normal")
            self._draw_lines(axes, {label: points})
        every[0].set_ylabel(self.up)

    def _draw_lines(self, axes: Axes, lines: Mapping[str, Mapping[float, float]]) -> None:
        """Draw lines into axes, each with its label behind its last point if there are several."""
        top = 1.2 * max(y for points in lines.values() for y in points.values())
        axes.set_ylim(0, top)
        heights = _apart([list(points.values())[-1] for points in lines.values()], 0.08 * top)
        styles = itertools.cycle(LINES)
        for (label, points), height in zip(lines.items(), heights, strict=True):
            marker, dashes = next(styles)
            axes.plot(
                *(list(points), list(points.values())),
                color=PLAIN, marker=marker, linestyle=dashes, linewidth=2,
            )  # fmt: skip
            if len(lines) > 1:
                axes.annotate(
                    f" {label}", (list(points)[-1], height), color=PLAIN, va="center",
                    xytext=(6, 0), textcoords="offset points", annotation_clip=False,
                )  # fmt: skip
        if self.mark is not None:
            place, text = self.mark
            axes.axvline(place, color=FAINT, linestyle=":", linewidth=1.5, zorder=0)
            axes.text(place, top, f"{text} ", color=FAINT, fontsize=9.5, va="top", ha="right")
        ticks = sorted({x for points in lines.values() for x in points})
        axes.set_xticks(ticks)
        last = max(ticks[-1], self.mark[0] if self.mark else ticks[-1])
        letters = max(map(len, lines)) + 3 if len(lines) > 1 else 0
        share = letters * LABEL / WIDTH
        axes.set_xlim(ticks[0] - 0.3, last + share / (1 - share) * (last - ticks[0]) + 0.3)
        axes.set_xlabel(self.across)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _apart(values: Sequence[float], gap: float) -> list[float]:
    """The values, those moved up which are closer to a lower one than `gap`."""
    moved = list(values)
    lowest = -math.inf
    for index in sorted(range(len(values)), key=values.__getitem__):
        moved[index] = lowest = max(values[index], lowest + gap)
    return moved


def curves(
    lines: Mapping[str, Mapping[float, float]],
    across: str,
    up: str,
    title: str = "",
    mark: tuple[float, str] | None = None,
    panels: bool = False,
) -> Curves:
    """A line for each label, through its points {x: y}; `mark` is a place on x and its text.

    `panels` puts each line into a panel with a scale of its own: for lines whose heights nobody
    is to compare.
    """
    return Curves(lines, across, up, title, mark, panels)
