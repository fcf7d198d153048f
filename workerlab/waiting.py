"""Waiting until something is the case, without keeping the event loop from other work."""

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], timeout: float = 30.0) -> bool:
    """Look twenty times a second; whether `condition()` came true within `timeout` seconds."""
    limit = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > limit:
            return False
        await asyncio.sleep(0.05)
    return True
