"""Trying one endpoint: alone in its worker, with a ping beside it."""

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from workerlab.report.app import Started
from workerlab.report.client import Call, Ping, Reply
from workerlab.report.endpoints import Endpoint
from workerlab.report.inject import workerlab_watch as watch
from workerlab.report.kinds import COMPUTES, GIL, UNKNOWN, Kind, kind_of, traced_line

LIMIT = 8.0  # seconds for a reply
REQUESTS, MOST_REQUESTS = 3, 9  # the more where the first of them did not tell
SETTLE = 0.02  # seconds before a request, in which threads of the one before come to rest
# The first one warms up. If it takes longer than this many seconds it counts, too, or is the only
# one, unless it held others up.
FIRST_COUNTS, NOT_AGAIN = 0.5, 2.0
FOR_A_NOTE = 2.0  # seconds from the reply to the end of what the app does after it
_numbers = itertools.count(1)


@dataclass
class Tried:
    """What came of an endpoint. `problem` says why it could not be tried as it should be."""

    endpoint: Endpoint
    kind: Kind | None = None
    status: int | None = None
    ping: float | None = None  # longest, seconds
    problem: str = ""
    is_streaming: bool = False
    handler: dict[str, Any] | None = None
    notes: list[dict[str, Any]] = field(default_factory=list, repr=False)


class RateLimited(Exception):
    """The app answered 429: the report stops asking."""


def try_endpoint(app: Started, endpoint: Endpoint) -> Tried:
    """Ask an endpoint some times, each alone. Raises RateLimited, ConnectionError if the app ended.

    The first request warms up: imports, caches, connections.
    """
    tried = Tried(endpoint, handler=endpoint.handler)
    reply, note, ping = watched(app, endpoint.call)
    tried.status = reply.status
    tried.problem = problem_of(app, endpoint, reply)
    if note is not None:
        tried.handler = note["handler"] or tried.handler
    if tried.problem:
        return tried
    tried.is_streaming = reply.ending == "cut"
    first_counts = reply.seconds >= FIRST_COUNTS
    pings = [ping] if first_counts else []
    notes = [note] if first_counts and note is not None else []
    asked = int(first_counts)
    tried.kind = kind_of(notes)
    if reply.seconds >= NOT_AGAIN and is_worth_another(tried.kind):
        reply, note, ping = watched(app, endpoint.call)
        if reply.status == 429:
            raise RateLimited
        pings, notes = [ping], [] if note is None else [note]
        tried.kind = kind_of(notes)
    while reply.seconds < NOT_AGAIN and (
        asked < REQUESTS or (tried.kind.name == UNKNOWN and asked < MOST_REQUESTS)
    ):
        reply, note, ping = watched(app, endpoint.call)
        if reply.status == 429:
            raise RateLimited
        asked += 1
        pings.append(ping)
        if note is not None and reply.status is not None:
            notes.append(note)
        tried.kind = kind_of(notes)
    if tried.kind.name in (COMPUTES, GIL) and not tried.kind.line:
        _, note, _ = watched(app, endpoint.call, watch.LINES)
        tried.kind.line = traced_line(note) if note is not None else ""
    known = sorted(one for one in pings if one is not None)
    tried.ping = known[len(known) // 2] if known else None
    tried.notes = notes
    return tried


def is_worth_another(kind: Kind) -> bool:
    """Whether a long request is to be sent again: what held the loop up was a small part of it,
    such as a first import, or nothing could be told."""
    return kind.name == UNKNOWN or (kind.holds_up and kind.held_up < 0.5 * kind.wall)


def watched(
    app: Started, call: Call, how: str = ""
) -> tuple[Reply, dict[str, Any] | None, float | None]:
    """One watched request: the reply, the watch's note, and the longest ping beside it.

    `how` is the watch's LINES where the lines are wanted instead of the times.
    """
    time.sleep(SETTLE)
    name = f"r{next(_numbers)}{how}"
    headers = {**call.headers, watch.HEADER.decode(): name}
    with Ping(app.port) as ping:
        reply = app.ask(Call(call.path, call.method, headers, call.body), LIMIT)
        note = note_of(app, name)
    return reply, note, ping.longest


def note_of(app: Started, name: str) -> dict[str, Any] | None:
    """The note of a request; what is known so far where it has not ended (an endless stream)."""
    deadline = time.monotonic() + FOR_A_NOTE
    while time.monotonic() < deadline:
        for note in app.notes("request"):
            if note["id"] == name and note["ended"]:
                return note
        time.sleep(0.005)
    app.ask(Call(watch.OPEN), limit=1.0)
    found = [note for note in app.notes("request") if note["id"] == name]
    return found[-1] if found else None


def problem_of(app: Started, endpoint: Endpoint, reply: Reply) -> str:
    """Why this endpoint cannot be judged; empty if it can."""
    status = reply.status
    if status == 429:
        raise RateLimited
    if status is None:
        app.guard.look()
        if app.guard.gone:
            raise ConnectionError(f"{endpoint.name} ended the app")
        if reply.ending == "silent":
            return ""  # it is judged by what the watch has seen of it so far
        return "the server hung up without an answer"
    if status in (401, 403):
        return f"answered {status}: it needs a login, such as --header 'Authorization: ...'"
    if status in (404, 422) and endpoint.is_guess:
        return f"answered {status} to made-up values: give real ones with --path"
    if status in (404, 405, 422):
        return f"answered {status}: give a path that works with --path"
    if status == 400:
        return "answered 400: does it check the Host header? --header Host:NAME gives one"
    if 400 <= status < 500:
        return f"answered {status}: ask as your users do with --path and --header"
    if status >= 500:
        return f"answered {status}: it failed, so what it does when it works is not known"
    return ""
