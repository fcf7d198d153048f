"""The timeline that draws itself in the output of the running cell while requests are in progress.

Its frames are SVG. When the cell has ended, the finished picture takes their place, unless the cell
itself shows a picture. Runs that go on side by side share one, and runs that follow one another in
a cell have the same place.
"""

import asyncio
import contextlib
import copy
import threading
import time
from collections.abc import Iterator
from typing import Any

from workerlab.pictures.frame import frame, window
from workerlab.pictures.layout import layout
from workerlab.pictures.palette import on_page
from workerlab.pictures.timeline import Timeline
from workerlab.records import Record, Run
from workerlab.reports import Moment, reports
from workerlab.server.server import workers_at
from workerlab.status import PLAIN, is_notebook

EVERY = 0.1  # seconds between two frames
SOON = 0.02  # seconds until the first one, where few requests are sent before it
FEW = 50
PATIENCE = 20  # times what a frame took until the next: 5 % of a core
LONGEST = 1.0  # seconds between two frames, however long one took
MOST = 400  # requests in the picture: the last ones of a longer run
AROUND, ROW, LANE = 125, 24, 16  # pixels of height
LOWEST, HIGHEST = 200, 560


class LivePicture:
    """The picture in the output of one cell."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._height = LOWEST
        self._experiments = 0
        self._in_progress = 0  # runs
        self._runs: list[list[Record]] = []  # those, and what ended while others went on

    @property
    def is_growing(self) -> bool:
        return self._in_progress > 0

    @contextlib.contextmanager
    def growing(
        self, records: list[Record], servers: set[str], rows: int, about: float | None
    ) -> Iterator[None]:
        """Draw these records, too, while the block runs."""
        if not self.is_growing:
            self._runs, self._workers, self._rows, self._about = [], [], 0, 0.0
            self._experiments += 1
            self._drawing = asyncio.ensure_future(self._draw())
        self._runs.append(records)
        self._workers += [pid for server in sorted(servers) for pid in workers_at(server)]
        self._rows += rows
        self._about = max(self._about, about or 0.0)
        self._in_progress += 1
        try:
            yield
        finally:
            self._in_progress -= 1
            if not self.is_growing:
                self._drawing.cancel()
                if self._handle is not None:
                    self._show(self._frame())  # the cell may go on for a while

    async def _draw(self) -> None:
        # A frame amid many sendings would hold them up.
        await asyncio.sleep(SOON if self._rows < FEW else EVERY)
        rows, lanes = max(self._rows, len(self._workers)), len(self._workers) + 1
        wanted = AROUND + ROW * rows + LANE * lanes
        self._height = max(self._height, min(wanted, HIGHEST))  # never lower in mid-cell
        while True:
            began = time.perf_counter()
            self._show(self._frame())
            took = time.perf_counter() - began
            await asyncio.sleep(min(max(EVERY - took, PATIENCE * took), LONGEST))

    def _frame(self) -> str:
        now = time.monotonic()
        run = _so_far(self._records, now)
        elapsed = now - min((record.sent for record in run.records), default=now)
        answered = sum(record.ok for runs in self._runs for record in runs)
        return frame(
            layout(run, self._idle_ones_of(run)),
            f"{self._title}: {answered} answered, {self._failed} failed, {elapsed:.1f} s",
            self._height,
            window(max(elapsed, self._about)),
        )

    @property
    def _records(self) -> list[Record]:
        """The last ones that were sent."""
        sent = [record for run in self._runs for record in run if record.sent]
        return sorted(sent, key=lambda record: record.sent)[-MOST:]

    @property
    def _failed(self) -> int:
        return sum(record.received > 0 and record.failed for run in self._runs for record in run)

    @property
    def _title(self) -> str:
        number = sum(map(len, self._runs))
        title = "1 request" if number == 1 else f"{number} requests"
        if self._experiments > 1:
            title = f"run {self._experiments}: {title}"
        return title if number <= MOST else f"{title} (here the last {MOST})"

    def _idle_ones_of(self, run: Run) -> list[int]:
        """The workers, where they report: a proxy's, which hand on what they get, do not."""
        reporting = {record.worker for record in run.records}
        return self._workers if reporting & set(self._workers) else []

    def _show(self, picture: str) -> None:
        from IPython.display import display

        content = {"text/html": on_page(picture) if picture else "", "text/plain": PLAIN}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)

    def finish(self, cell_shows_a_picture: bool) -> None:
        """Put the finished picture into the place of the frames, or nothing."""
        if self._handle is None:
            return
        if cell_shows_a_picture:
            self._show("")
            return
        every = Run([record for run in self._runs for record in run if record.sent])
        stopped = any(record.stopped for record in every.records)
        how = f"{'stopped after ' if stopped else ''}{every.makespan:.2f} s"
        run = Run(every.records[-MOST:])
        picture = Timeline(
            run,
            f"{self._title}, {self._failed} failed, {how}",
            self._idle_ones_of(run),
            height=self._height / 100,
        )
        data, metadata = picture._repr_mimebundle_()
        self._handle.update(data, metadata=metadata, raw=True)


def _so_far(records: list[Record], now: float) -> Run:
    """What is known of these records by now."""
    moments = reports.so_far(record.id for record in records)
    return Run([_known(record, moments.get(record.id, {}), now) for record in records])


def _known(record: Record, moments: dict[str, Moment], now: float) -> Record:
    if record.received and not moments:
        return record  # its run has ended and has joined what was reported, or nothing is
    known = copy.copy(record)
    known.join(moments)
    if not record.received:
        known.received = now
        known.stopped = True  # so far it has neither been answered nor failed
        if "began" not in moments:
            known.began = known.ended = None  # that it has reached its worker does not tell
    return known


_pictures: dict[str, LivePicture] = {}  # by the cell whose output they are in


def can_be_drawn() -> bool:
    """Whether this is a cell of a notebook that somebody looks at, and not a thread beside it."""
    return is_notebook() and threading.current_thread() is threading.main_thread()


def drawn(
    records: list[Record], servers: set[str], rows: int, about: float | None
) -> contextlib.AbstractContextManager[None]:
    """Draw these requests, to these servers, in the running cell's output while a block runs.

    `rows` is about how many of them are in progress at once, `about` how many seconds they take
    together, if that is known.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if not _pictures:
        shell.events.register("post_run_cell", _finish)
    cell = shell.get_parent()["header"]["msg_id"]
    picture = _pictures.setdefault(cell, LivePicture())
    return picture.growing(records, servers, rows, about)


def _finish(result: Any) -> None:
    """When a cell has ended: finish every picture of which nothing is in progress."""
    from IPython import get_ipython

    from workerlab.pictures.style import Picture

    for cell, picture in list(_pictures.items()):
        if not picture.is_growing:
            del _pictures[cell]
            picture.finish(isinstance(getattr(result, "result", None), Picture))
    if not _pictures:
        get_ipython().events.unregister("post_run_cell", _finish)
