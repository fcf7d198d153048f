"""How the project's pictures look. Every colour has one meaning everywhere."""

import io
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart with any kind of colour vision
# (https://jfly.uni-koeln.de/color/). Worker 1, 2, 3, ... in the order of their first request.
WORKERS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D31", "#5B4B9A", "#7F7F7F"]
FAILED = "#D55E00"
WAITING = "#D9DEE3"
TEXT = "#24292F"
FAINT = "#6E7781"
PLAIN = "#44546A"  # what belongs to no worker, or to all of them
GUESS = "#24292F"

_SETTINGS = {
    "font.size": 11,
    "font.family": "DejaVu Sans",
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": FAINT,
    "ytick.color": TEXT,
    "ytick.left": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlesize": 12,
    "hatch.linewidth": 1.2,
    "figure.facecolor": "white",
}
WIDTH = 8.8  # inches; at 100 dots an inch it fits a notebook's column on GitHub
_SCALE = 2  # drawn at twice the size, for sharp screens


class Picture:
    """A drawing with a line of text that says the same. Jupyter and GitHub show the drawing."""

    text: str
    height: float  # inches

    def draw(self, figure: Figure) -> None:
        """Draw into an empty figure."""
        raise NotImplementedError

    def png(self) -> bytes:
        """The picture as a PNG file's content."""
        with rc_context(_SETTINGS):
            figure = Figure(figsize=(WIDTH, self.height), layout="constrained")
            self.draw(figure)
            file = io.BytesIO()
            # Without metadata, so that an equal picture is an equal file.
            figure.savefig(file, dpi=100 * _SCALE, metadata={"Software": None})
        return file.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        size = {"width": round(WIDTH * 100), "height": round(self.height * 100)}
        return {"image/png": self.png(), "text/plain": self.text}, {"image/png": size}

    def __repr__(self) -> str:
        return self.text


def worker_colour(number: int) -> str:
    """The colour of worker `number`, counted from 0; after the eighth they begin again."""
    return WORKERS[number % len(WORKERS)]
