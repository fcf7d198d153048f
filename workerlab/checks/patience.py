"""Time limits that mean the same on a busy machine."""

import threading
import time

PROBE = 0.01  # seconds of CPU time
MOST = 4.0
INTERVAL = 0.3  # seconds from one measurement of a Deadline to the next
# Two threads that measure at once would each find the other's work.
_alone = threading.Lock()


def patience(seconds: float) -> float:
    """`seconds` on an idle machine, and up to four times as many where the cores are busy."""
    return seconds * min(max(slowness(), 1.0), MOST)


class Deadline:
    """A time limit in seconds whose clock goes slower while the cores are busy, as `patience` has
    it; but it is measured again and again, so a moment of haste does not count for all of it.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._looked = time.monotonic()

    def passed(self) -> bool:
        """Whether the time is over. Call it several times a second."""
        if time.monotonic() > self._looked + INTERVAL:
            slower = patience(1.0)
            now = time.monotonic()
            self._left -= (now - self._looked) / slower
            self._looked = now
        return self._left <= 0


def slowness() -> float:
    """How many times as long as its CPU time a short computation takes by the clock."""
    with _alone:
        began, end = time.monotonic(), time.thread_time() + PROBE
        while time.thread_time() < end:
            sum(range(1000))
        return (time.monotonic() - began) / PROBE
