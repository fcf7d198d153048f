"""Watching servers while the reader's client sends, and holding back workers, in exercise 05.

Of requests that are sent together, one worker may take all, or each worker some: that is chance.
So that an answer which hopes is refused every time, a server's workers are let go one by one, the
next as soon as a request has reached the one before. The kernel may do the same on a busy machine.
An answer that gives each request to an idle worker does not notice.
"""

import contextlib
import itertools
import json
import os
import signal
import socket
import threading
import time
from typing import Any

from workerlab.checks.recording_proxy import Front
from workerlab.server.server import Server

PATIENCE = 0.15  # seconds


class Watch:
    """What the workers report; a context manager, `port` is where they report to."""

    def __init__(self) -> None:
        self.moments: list[dict[str, Any]] = []
        self._next: dict[int, int] = {}  # a worker, and the stopped one which is to go on after it
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port = self._socket.getsockname()[1]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *error: Any) -> None:
        self.let_go()
        self._over.set()
        self._thread.join(2)
        self._socket.close()

    def hold_back(self, servers: list[Server]) -> None:
        """Stop all workers of each server but one."""
        for server in servers:
            for worker, following in itertools.pairwise(server.workers):
                with self._lock:
                    self._next[worker] = following
                _signal(following, signal.SIGSTOP)

    def let_go(self) -> None:
        """Let all workers go on."""
        with self._lock:
            while self._next:
                _signal(self._next.popitem()[1], signal.SIGCONT)

    def look(self, doors: list[Front]) -> None:
        """Let all go if a request has long waited and no worker takes it.

        With a socket for each worker, the kernel may have given it to one that is stopped.
        """
        latest = max((m["time"] for m in list(self.moments)), default=0.0)
        waiting = [a.arrived for door in doors for a in list(door.arrivals) if not a.answered]
        if waiting and time.monotonic() > max(min(waiting), latest) + PATIENCE:
            self.let_go()

    @property
    def first_reached(self) -> float | None:
        """When the first request to /work reached a worker, monotonic seconds."""
        return next((m["time"] for m in list(self.moments) if m["path"] == "/work"), None)

    def _receive(self) -> None:
        while not self._over.is_set():
            try:
                moment = json.loads(self._socket.recv(2048))
                if moment["moment"] == "reached":
                    self._let_next_go(moment["pid"])
                self.moments.append(moment)
            except (TimeoutError, ValueError, TypeError, KeyError):
                continue  # nothing, or not from the workers

    def _let_next_go(self, worker: int) -> None:
        with self._lock:
            if following := self._next.pop(worker, None):
                _signal(following, signal.SIGCONT)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
