"""Time limits which mean the same on a busy machine."""

import time

PROBE = 0.02  # seconds of CPU time
MOST = 4.0


def patience(seconds: float) -> float:
    """`seconds` on an idle machine, and up to four times as many where the cores are busy."""
    return seconds * min(max(slowness(), 1.0), MOST)


def slowness() -> float:
    """How many times as long as its CPU time a short computation takes by the clock."""
    began, end = time.monotonic(), time.thread_time() + PROBE
    while time.thread_time() < end:
        sum(range(1000))
    return (time.monotonic() - began) / PROBE
