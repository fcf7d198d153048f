"""Pictures of plain numbers."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from workerlab.style import FAINT, GUESS, Picture, worker_colour


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
        figures = ", ".join(f"{label} {value:.2f} {unit}" for label, value in self.values.items())
        self.text = f"Bars: {len(self.values)} values; measured: {figures}"

    def draw(self, figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(self.title)
        positions = range(len(self.values))
        axes.barh(positions, list(self.values.values()), color=worker_colour(0), height=0.6)
        most = max([*self.values.values(), self.mark or 0]) or 1.0
        for position, value in zip(positions, self.values.values(), strict=True):
            axes.text(value + most * 0.01, position, f"{value:.2f} {self.unit}", va="center")
        if self.mark is not None:
            axes.axvline(self.mark, color=GUESS, linestyle=":", linewidth=1.5)
            axes.text(self.mark, -0.62, " your guess", color=FAINT, fontsize=9.5, va="bottom")
        axes.set_yticks(positions, list(self.values))
        axes.set_ylim(len(self.values) - 0.5, -0.7)
        axes.set_xlim(0, most * 1.15)
        axes.set_xlabel(self.unit)


def bars(
    values: Mapping[str, float], unit: str, title: str = "", mark: float | None = None
) -> Bars:
    """A bar for each value, `unit` written beside it; `mark` draws a line at the reader's guess."""
    return Bars(values, unit, title, mark if isinstance(mark, int | float) else None)
