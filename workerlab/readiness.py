"""Asking a server which starts whether it is there."""

import select
import socket
import time
from urllib.parse import urlsplit


class Question:
    """One `GET /health`, asked as soon as there is somebody to connect to.

    A listening socket takes the connection before its workers are there to answer. So the request
    is sent once, and the answer comes at the very moment at which the first worker is ready.
    """

    def __init__(self, url: str) -> None:
        self._address = (urlsplit(url).hostname, urlsplit(url).port)
        self._connection: socket.socket | None = None

    def answered(self) -> bool:
        """Whether an HTTP answer has come, whatever its status. Waits for up to 5 ms."""
        try:
            if self._connection is None:
                self._connection = socket.create_connection(self._address, timeout=1)
                self._connection.sendall(
                    b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
            if not select.select([self._connection], [], [], 0.005)[0]:
                return False
            answer = self._connection.recv(1024)
        except OSError:
            time.sleep(0.005)
            answer = b""
        self.close()
        return answer.startswith(b"HTTP/")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
