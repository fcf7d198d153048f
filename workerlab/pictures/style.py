"""How the project's pictures look, and how a notebook shows them."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any

from workerlab.pictures.palette import FAINT, TEXT, on_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
COLOURS = 128  # of a picture: each of ours, and what softens the edges
_SCALE = 2  # drawn at twice the size, for sharp screens


class Picture:
    """A drawing with a line of text that says the same. Jupyter and GitHub show the drawing.

    The text is what a screen reader reads out.
    """

    text: str
    height: float  # inches

    def draw(self, figure: Figure) -> None:
        """Draw into an empty figure."""
        raise NotImplementedError

    def png(self) -> bytes:
        """The picture as a PNG file's content."""
        # It takes half a second to import, which a notebook's first cell need not wait for.
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        with rc_context(_SETTINGS):
            figure = Figure(figsize=(WIDTH, self.height), layout="constrained")
            self.draw(figure)
            file = io.BytesIO()
            # Without metadata, so that an equal picture is an equal file.
            figure.savefig(file, dpi=100 * _SCALE, metadata={"Software": None})
        return _with_few_colours(file)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # As HTML and not as image/png, to which JupyterLab gives no alt text, whatever its metadata
        # say. The figures come last in their line, where the tests do not compare them.
        image = (
            f'<img alt="{html.escape(self.text)}" width="{round(WIDTH * 100)}" '
            f'src="data:image/png;base64,{base64.b64encode(self.png()).decode()}">'
        )
        return {"text/html": on_page(image), "text/plain": self.text}, {}

    def __repr__(self) -> str:
        return self.text


def _with_few_colours(file: io.BytesIO) -> bytes:
    """The same PNG with a palette, which takes a third of the room in a notebook."""
    from PIL import Image

    smaller = io.BytesIO()
    Image.open(file).convert("RGB").quantize(COLOURS).save(smaller, format="png", optimize=True)
    return smaller.getvalue()
