"""Serving the app of the reader's cell, and asking it several things at once.

The cell's source becomes a module in a folder of its own, `workerlab.checks.watched` around it is
served by a Uvicorn, and both are gone when `serve_and_ask` returns.
"""

import asyncio
import json
import re
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from workerlab.checks.command import launched
from workerlab.checks.in_thread import in_thread
from workerlab.checks.patience import patience
from workerlab.server.start_errors import ServerDidNotStart, log_in

COMMAND = "uvicorn workerlab.checks.watched:app --port {port} --log-level warning --no-access-log"
# What the server writes when the cell ends it, and when the cell does not come to its end.
FAILED = "startup failed"
NOT_READ = "the cell does not come to its end"
START_LIMIT = 9.0  # seconds
LIMIT = 8.0  # seconds for all of it, if the server came up in time
MOST_BYTES = 100_000  # of a reply
HEALTH_PAUSE = 0.02  # seconds from one answer of /health to the next question
ERROR = re.compile(r"^((?:\w+\.)*\w+(?:Error|Exception|Group|Warning)\b.*)$", re.MULTILINE)


@dataclass
class Reply:
    """What came back for one request; without a status, `error` says what came instead."""

    path: str
    status: int | None = None
    body: Any = None
    error: str = ""


@dataclass
class Seen:
    """What came of it all.

    `started`: the server came up. `endless`: it did not, because the cell goes on for ever.
    `failed`: it did not, because reading the cell ended it.
    `health` holds the seconds that each question to /health took, `watched` what the server saw
    of itself.
    """

    started: bool
    endless: bool
    failed: bool
    log: str
    replies: list[Reply]
    health: list[float]
    watched: dict[str, Any]

    @property
    def seconds(self) -> list[float]:
        """From the moment a request reached the app to its whole reply, on the server."""
        return [r["replied"] - r["reached"] for r in self.watched["requests"] if r["replied"]]

    @property
    def spread(self) -> float:
        """Seconds from the first whole reply to the last, on the server."""
        replied = [r["replied"] for r in self.watched["requests"] if r["replied"]]
        return max(replied) - min(replied) if replied else 0.0

    @property
    def error(self) -> str:
        """The last exception in the log, with the line of the cell it comes from."""
        found = ERROR.findall(self.log)
        if not found:
            return ""
        lines = re.findall(r'cell\.py", line (\d+)', self.log)
        return f"{found[-1][:300]}" + (f"\nin line {lines[-1]} of your cell" if lines else "")


def serve_and_ask(source: str, paths: list[str], env: dict[str, str] | None = None) -> Seen:
    """Serve the cell, send a GET to every path at once, and ask /health until they are answered.

    Takes up to about 9 seconds; what does not answer by then is recorded as such.
    """
    deadline = time.monotonic() + patience(LIMIT)
    loopback = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        (Path(folder) / "cell.py").write_text(source, encoding="utf-8")
        options = {"env": {**(env or {}), **loopback}, "cwd": folder}
        try:
            with launched(COMMAND, **options, timeout=patience(START_LIMIT)) as server:
                limit = max(2.5, deadline - time.monotonic())
                replies, health, watched = in_thread(_ask_all(server.url, paths, limit))
        except ServerDidNotStart as error:
            return _not_started(str(error))
    return Seen(True, False, False, server.log, replies, health, watched)


def _not_started(report: str) -> Seen:
    log = log_in(report)
    failed = FAILED in log or "ended with exit code" in report
    return Seen(False, NOT_READ in log, failed, log, [], [], {})


async def _ask_all(url: str, paths: list[str], limit: float) -> tuple[list, list, dict]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    until = asyncio.get_running_loop().time() + limit
    async with aiohttp.ClientSession(connector=connector) as session:
        session._retry_connection = False  # see workerlab.load

        def ask(path: str) -> Coroutine[Any, Any, Reply]:
            return _ask(session, url, path, until)

        asked = asyncio.gather(*(ask(path) for path in paths))
        health = []
        while not asked.done():
            began = time.monotonic()
            reply = await ask("/health")
            health.append(time.monotonic() - began)
            if reply.status is None:
                break
            await asyncio.sleep(HEALTH_PAUSE)
        replies = await asked
        watched = Reply("/watched")
        if all(reply.status is not None for reply in replies):
            watched = await ask("/watched")
    return replies, health, watched.body or {}


async def _ask(session: aiohttp.ClientSession, url: str, path: str, until: float) -> Reply:
    reply = Reply(path)
    try:
        async with asyncio.timeout_at(until), session.get(url + path) as response:
            body = b""
            async for part in response.content.iter_any():
                body += part
                if len(body) > MOST_BYTES:
                    reply.error = "a reply without an end"
                    return reply
            reply.status = response.status
            reply.body = json.loads(body)
    except TimeoutError:
        reply.error = "no reply within the time limit"
    except (aiohttp.ClientError, OSError) as error:
        reply.error = f"the server closed the connection ({type(error).__name__})"
    except ValueError:
        reply.body = body.decode(errors="replace")
    return reply
