"""The slow service that the app of task 2 asks for tickets."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from workerlab.checks.patience import patience

SECONDS = 0.5  # that a ticket takes
GATHERING = 1.5  # seconds that the first question waits for the others, more on a busy machine
# Some clients give up after 5 seconds.
LONGEST = 3.0


class TicketService:
    """Questions that are asked at once are answered together, so that they can be counted.

    The first ones are kept until there are `at_once` of them, or for a time; the later ones are
    answered at once. `peak` is how many at most were waiting at one moment, and `asked` holds when
    each ticket was asked for (monotonic seconds).
    """

    def __init__(self, at_once: int) -> None:
        self.url = ""
        self.peak = 0
        self.asked: dict[str, float] = {}
        self._at_once = at_once
        self._waiting = 0
        self._lock = threading.Lock()
        self._all_here = threading.Event()
        self._limit = min(patience(GATHERING), LONGEST)

    def ticket(self) -> str:
        """A ticket that nobody has had before."""
        ticket = uuid.uuid4().hex[:8]
        with self._lock:
            self.asked[ticket] = time.monotonic()
            self._waiting += 1
            self.peak = max(self.peak, self._waiting)
        if not self._all_here.is_set():
            if self.peak < self._at_once:
                self._all_here.wait(self._limit)
            self._all_here.set()
            time.sleep(SECONDS)
        with self._lock:
            self._waiting -= 1
        return ticket


@contextmanager
def ticket_service(at_once: int) -> Iterator[TicketService]:
    """Such a service on 127.0.0.1, until the block ends."""
    service = TicketService(at_once)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"ticket": service.ticket()}).encode()
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, *args: Any) -> None:
            pass

    # HTTPServer would look up the name of 127.0.0.1, which takes seconds on some machines.
    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(1)
