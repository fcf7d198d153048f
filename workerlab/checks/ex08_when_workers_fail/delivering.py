"""What the process of the reader's code does in task 2: it delivers one request after another."""

from collections.abc import Callable
from typing import Any

import aiohttp

from workerlab.checks.runner import call

REQUESTS = [
    ("GET", "menu"),
    ("POST", "order-1"),
    ("GET", "stock"),
    ("POST", "order-2"),
    ("POST", "order-3"),
    ("GET", "poison"),
    ("GET", "prices"),
]


async def deliver_all(deliver: Callable[..., Any], url: str) -> list[Any]:
    """What the function returns for each request, or which error of the client it let through."""
    connector = aiohttp.TCPConnector(force_close=True)
    results: list[Any] = []
    async with aiohttp.ClientSession(connector=connector) as session:
        session._retry_connection = False  # see workerlab.load
        for method, key in REQUESTS:
            try:
                results.append(await call(deliver, session, method, f"{url}/{key}"))
            except (aiohttp.ClientError, OSError) as error:
                results.append(f"raised {type(error).__name__}")
    return results
