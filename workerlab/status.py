"""Showing progress while something takes long: one line, in a notebook or on a terminal.

Nothing is shown for the first second, unless the work is known to take longer than two. In a
notebook the line is an output of the running cell, through one display handle, and it is gone when
the work is done. On a terminal it is written over itself on standard error. Nowhere else is
anything shown, nor under pytest: the stored output of a notebook holds no line of progress.
"""

import contextlib
import html
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any, TypeVar

EVERY = 0.5  # seconds between two looks at what there is to tell
SILENT = 1.0  # seconds that something may take without a word
PLAIN = "(progress is shown here while the cell runs)"  # constant: the tests compare it

Item = TypeVar("Item")


@dataclass
class Work:
    """Something that goes on: what it is, about how many seconds it takes, how far it has come."""

    what: str
    about: float | None
    so_far: Callable[[], str]
    since: float

    @property
    def is_told(self) -> bool:
        # What is known to take long is announced at once.
        return (self.about or 0) > 2 or time.monotonic() > self.since + SILENT

    def line(self) -> str:
        seconds = f"{time.monotonic() - self.since:.0f} s"
        if self.about is not None:
            seconds += f" of about {max(self.about, 1):.0f} s"
        return ", ".join(filter(None, [self.what, self.so_far(), seconds]))


class Teller:
    """Shows the work that goes on in this process, and takes it away when it is done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: list[Work] = []
        self._screen: Screen | None = None
        self._wake = threading.Event()

    def begin(self, work: Work) -> None:
        with self._lock:
            self._works.append(work)
            if len(self._works) == 1:
                self._wake = threading.Event()
                # A thread of its own: it goes on telling while the event loop is blocked.
                threading.Thread(target=self._tell, args=[self._wake], daemon=True).start()
            self._show()

    def end(self, work: Work) -> None:
        with self._lock:
            self._works.remove(work)
            if not self._works:
                self._wake.set()
                if self._screen is not None:
                    self._screen.clear()
                    self._screen = None

    def _tell(self, wake: threading.Event) -> None:
        while not wake.wait(EVERY):
            with self._lock:
                if not wake.is_set():
                    self._show()

    def _show(self) -> None:
        lines = [work.line() for work in self._works if work.is_told]
        if not lines:
            return
        if self._screen is None:
            self._screen = NotebookScreen() if is_notebook() else TerminalScreen()
        self._screen.show(lines)


class NotebookScreen:
    """Some lines in the output of the running cell."""

    def __init__(self) -> None:
        from IPython.display import display

        self._handle = display(self._content([]), raw=True, display_id=True)

    def show(self, lines: list[str]) -> None:
        self._handle.update(self._content(lines), raw=True)

    def clear(self) -> None:
        self.show([])

    @staticmethod
    def _content(lines: list[str]) -> dict[str, str]:
        text = "<br>".join(f"⏳ {html.escape(line)}" for line in lines)
        return {"text/plain": PLAIN, "text/html": f"<div>{text}</div>" if text else ""}


class TerminalScreen:
    """One line on standard error, written over itself."""

    def show(self, lines: list[str]) -> None:
        with contextlib.suppress(OSError, ValueError):  # it has been closed meanwhile
            width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
            text = "; ".join(lines)[: width - 1]
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        self.show([])


Screen = NotebookScreen | TerminalScreen
_teller = Teller()


@contextlib.contextmanager
def status(
    what: str, about: float | None = None, so_far: Callable[[], str] = lambda: ""
) -> Iterator[None]:
    """Show that `what` is going on while the block runs, every half a second.

    `about` is the number of seconds it usually takes, `so_far` says how far it has got.
    """
    if not (is_notebook() or _is_terminal()):
        yield
        return
    work = Work(what, about, so_far, time.monotonic())
    _teller.begin(work)
    try:
        yield
    finally:
        _teller.end(work)


def steps(items: Iterable[Item], what: str, about: float | None = None) -> Iterator[Item]:
    """The items, one after the other, while a line shows how far the loop has got.

        for workers in steps([1, 2, 4], "measuring workers", about=30):

    `about` is the number of seconds that the whole loop usually takes.
    """
    items = items if isinstance(items, Sized) else list(items)
    number = 0
    with status(what, about, lambda: f"{number} of {len(items)}"):
        for number, item in enumerate(items, start=1):  # noqa: B007
            yield item


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook that somebody looks at."""
    if "IPython" not in sys.modules or "PYTEST_CURRENT_TEST" in os.environ:
        return False
    shell: Any = sys.modules["IPython"].get_ipython()
    return hasattr(shell, "kernel")


def _is_terminal() -> bool:
    if "PYTEST_CURRENT_TEST" in os.environ or sys.stderr is None:
        return False
    try:
        return sys.stderr.isatty()
    except ValueError:  # it has been closed
        return False
