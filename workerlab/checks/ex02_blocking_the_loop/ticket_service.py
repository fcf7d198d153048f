"""The slow service which the app of exercise 02, task 2 asks."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any


@dataclass
class TicketService:
    """What the service behind task 2 has seen."""

    url: str = ""
    tickets: set[str] = field(default_factory=set)
    under_way: int = 0
    peak: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def ticket_service(seconds: float) -> Iterator[TicketService]:
    """A service on 127.0.0.1 which takes `seconds` for a ticket, and gives each but once."""
    service = TicketService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with service.lock:
                service.under_way += 1
                service.peak = max(service.peak, service.under_way)
            time.sleep(seconds)
            ticket = uuid.uuid4().hex[:8]
            with service.lock:
                service.under_way -= 1
                service.tickets.add(ticket)
            body = json.dumps({"ticket": ticket}).encode()
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
