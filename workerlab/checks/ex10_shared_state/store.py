"""The shop's stock, in a server of its own, and a connection to it.

`STORE` in the environment says where it is; without it, as in a notebook, there is nothing to
connect to, and a Store answers None.
"""

import json
import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LIMIT = 1.5  # seconds to wait for an answer
CATALOGUE = "catalogue"
ITEMS = [f"item-{number}" for number in range(1, 200)]


def stock_of(item: str) -> int:
    """How many there are of an item."""
    return 7 * int(item.rpartition("-")[2]) + 1000


class Store:
    """One connection. `get(item)` returns how many there are; threads take turns at it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._socket = None
        if where := os.environ.get("STORE"):
            host, _, port = where.rpartition(":")
            self._socket = socket.create_connection((host, int(port)), LIMIT)

    def get(self, item: str) -> int | None:
        return self._asked(item)

    def _asked(self, question: str):
        if self._socket is None:
            return None
        with self._turn:
            self._socket.sendall(f"{question}\n".encode())
            answer = b""
            while not answer.endswith(b"\n"):
                if not (part := self._socket.recv(65536)):
                    raise ConnectionError("the store has closed the connection")
                answer += part
        return json.loads(answer)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


def load_catalogue() -> dict[str, str]:
    """The name of each item, read once over a connection of its own."""
    store = Store()
    try:
        return store._asked(CATALOGUE) or {}
    finally:
        store.close()


class Questions:
    """What a store was asked: the numbers of the connections that asked for each item."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[int, str]] = []

    def over(self, item: str) -> set[int]:
        return {connection for connection, about in self.asked if about == item}


@contextmanager
def open_store() -> Iterator[Questions]:
    """A store that answers and remembers who asked, in threads of this process."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                question = line.decode(errors="replace").strip()
                questions.asked.append((id(self), question))
                kept.append(self)  # so that no other has its id
                is_item = question in ITEMS
                known = {item: item.replace("-", " ") for item in ITEMS}
                answer = stock_of(question) if is_item else known
                with_error = json.dumps(answer) + "\n"
                try:
                    self.wfile.write(with_error.encode())
                except OSError:
                    return

    kept: list[Handler] = []
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    questions = Questions(server.server_address[1])
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    try:
        yield questions
    finally:
        server.shutdown()
        server.server_close()
