"""One frame of a timeline that draws itself: an SVG, made from what is known so far.

It looks like workerlab.pictures.timeline, whose picture takes its place in the end, and is made in
a hundredth of the time: while it is drawn, no request is sent.
"""

import html
from collections.abc import Iterable

from workerlab.pictures.layout import Bar, Layout
from workerlab.pictures.palette import FAILED, FAINT, TEXT, WAITING, worker_colour

WIDTH = 880  # pixels, as the finished picture has it
LEFT, RIGHT, TOP, BOTTOM = 130, 14, 36, 46  # pixels around the bars
GAP = 16  # pixels between two lanes
LINE = 16  # pixels of a line of text
THICKEST = 24  # pixels of a row
THINNEST = 0.7  # pixels of a bar, so that a short one can be seen
# Seconds that the axis may have.
WINDOWS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 80, 120, 160]


def frame(placed: Layout, head: str, height: int, window: float) -> str:
    """The SVG, `height` pixels high, with `head` as its title. The axis has `window` seconds."""
    lanes, rows = len(placed.lanes), sum(placed.rows)
    room = height - TOP - BOTTOM - GAP * lanes
    row = min(THICKEST, room / max(rows, 1))
    scale = (WIDTH - LEFT - RIGHT) / window
    by_lane: list[list[Bar]] = [[] for _ in placed.lanes]
    for bar in placed.bars:
        by_lane[bar.lane].append(bar)
    parts = [
        f'<svg role="img" aria-label="{html.escape(head)}" width="{WIDTH}" height="{height}" '
        f'style="display:block;max-width:100%;background:white;font:14px sans-serif" '
        f'viewBox="0 0 {WIDTH} {height}" shape-rendering="crispEdges">'
        f'<text x="{LEFT}" y="18" fill="{TEXT}" font-weight="bold">{html.escape(head)}</text>',
        *_axis(window, scale, height),
    ]
    top = float(TOP)
    for lane, bars in enumerate(by_lane):
        deep = placed.rows[lane] * row
        name = placed.name(lane) if deep + GAP > 2 * LINE else placed.name(lane, " ")
        parts += _name(name, top + deep / 2)
        if bars:
            colour = worker_colour(placed.worker_number(lane))
            parts += _bars(bars, colour, top, row, scale)
        else:
            middle = top + deep / 2 + 4
            parts.append(f'<text x="{LEFT + 6}" y="{middle:.1f}" fill="{FAINT}">no request</text>')
        top += deep + GAP
    return "".join([*parts, "</svg>"])


def window(seconds: float) -> float:
    """How many seconds the axis has, to hold so many: in steps, so that bars seldom jump."""
    return next((width for width in WINDOWS if width >= seconds), seconds)


def _axis(window: float, scale: float, height: int) -> Iterable[str]:
    bottom = height - BOTTOM + GAP / 2
    ticks = [window * fifth / 5 for fifth in range(6)]
    lines = "".join(f"M{LEFT + tick * scale:.1f} {TOP - 6}V{bottom:.1f}" for tick in ticks)
    yield f'<path d="{lines}" stroke="{WAITING}"/>'
    for tick in ticks:
        x = LEFT + tick * scale
        yield (
            f'<text x="{x:.1f}" y="{bottom + 16:.1f}" fill="{FAINT}" text-anchor="middle">'
            f"{tick:g}</text>"
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="{height - 4}" fill="{TEXT}" text-anchor="middle">seconds</text>'


def _name(name: str, middle: float) -> Iterable[str]:
    lines = name.split("\n")
    for number, line in enumerate(lines):
        y = middle + 4 + LINE * (number - (len(lines) - 1) / 2)
        yield (
            f'<text x="{LEFT - 8}" y="{y:.1f}" fill="{TEXT}" text-anchor="end">'
            f"{html.escape(line)}</text>"
        )


def _bars(bars: Iterable[Bar], colour: str, top: float, row: float, scale: float) -> Iterable[str]:
    """One path for each kind of bar in a lane: a frame of many requests stays small."""
    thick = row * (0.78 if row > 10 else 1)
    waits, works, in_pool, crosses = [], [], [], []
    for bar in bars:
        y = top + bar.row * row + (row - thick) / 2

        def stretch(begin: float, end: float, y: float = y) -> str:
            long = max((end - begin) * scale, THINNEST)
            return f"M{LEFT + begin * scale:.1f} {y:.1f}h{long:.1f}v{thick:.1f}h-{long:.1f}z"

        waits.append(stretch(bar.sent, bar.received))
        if bar.began is not None and bar.ended is not None:
            (in_pool if bar.record.in_thread_pool else works).append(stretch(bar.began, bar.ended))
        if bar.record.failed:
            x = LEFT + bar.received * scale
            crosses.append(f"M{x - 4:.1f} {y + thick / 2 - 4:.1f}l8 8m0 -8l-8 8")
    yield f'<path d="{"".join(waits)}" fill="{WAITING}"/>'
    if works:
        yield f'<path d="{"".join(works)}" fill="{colour}"/>'
    if in_pool:
        stripes = f"stripes-{colour[1:]}"
        yield (
            f'<defs><pattern id="{stripes}" width="6" height="6" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><rect width="6" height="6" fill="{colour}"/>'
            f'<path d="M0 0v6" stroke="white" stroke-width="2"/></pattern></defs>'
            f'<path d="{"".join(in_pool)}" fill="url(#{stripes})"/>'
        )
    if crosses:
        yield (
            f'<path d="{"".join(crosses)}" stroke="{FAILED}" stroke-width="2.5" '
            'shape-rendering="auto"/>'
        )
