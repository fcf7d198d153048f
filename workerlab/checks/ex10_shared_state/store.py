"""The shop's stock, in a server of its own, and a connection to it.

`STORE` in the environment is its port; without it, as in a notebook, a Store answers None.
"""

import json
import os
import socket
import socketserver
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LIMIT = 3.0  # seconds to wait for an answer
ITEMS = [f"item-{number}" for number in range(1, 200)]
NAMES = {item: item.replace("-", " ") for item in ITEMS}
STOCK = {item: 1000 + 7 * number for number, item in enumerate(ITEMS)}


class Store:
    """One connection. `get(item)` returns how many there are; threads take turns at it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._file = None
        if port := os.environ.get("STORE"):
            self._file = socket.create_connection(("127.0.0.1", int(port)), LIMIT).makefile("rw")

    def get(self, item: str) -> Any:
        if self._file is None:
            return None
        with self._turn:
            print(item, file=self._file, flush=True)
            return json.loads(self._file.readline())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def load_catalogue() -> dict[str, str]:
    """The name of each item, read once over a connection of its own."""
    store = Store()
    names = store.get("catalogue") or {}
    store.close()
    return names


@contextmanager
def open_store() -> Iterator[tuple[int, dict[str, list[object]]]]:
    """A store in threads of this process: its port, and which connections asked for what."""
    asked = defaultdict(list)

    class Connection(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                question = line.decode(errors="replace").strip()
                asked[question].append(self)
                self.wfile.write(json.dumps(STOCK.get(question, NAMES)).encode() + b"\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # of a worker that was killed
        threading.Thread(target=server.serve_forever, args=[0.05]).start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
