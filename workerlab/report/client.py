"""One request to the reader's app, bounded in seconds and bytes; and the ping beside it.

Nothing is retried and no redirect is followed. Of a reply's body only its size is kept.
"""

import http.client
import socket
import threading
import time
from dataclasses import dataclass, field

from workerlab.report.inject import workerlab_watch as watch

MOST_BYTES = 20_000_000
EVERY = 0.005  # seconds between a ping's answer and the next ping
RARELY = 0.02  # the same after the first second: what takes long can be seen with fewer


@dataclass
class Call:
    """What to ask: the path with its query, and what is sent with it."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass
class Reply:
    """What came back. `status` is None where none came; `seconds` until the end.

    `ending`: `complete`, `cut` (it went on after the limit of seconds or bytes), `silent` (no
    answer within the limit), `refused`, `hung up`.
    """

    status: int | None
    seconds: float
    size: int
    ending: str
    location: str = ""
    pid: int | None = None
    body: bytes = b""


def ask(port: int, call: Call, limit: float, keep: bool = False) -> Reply:
    """Send one request to 127.0.0.1:`port` and wait at most `limit` seconds for all of the reply.

    With `keep`, the reply has its body: for the watch's own answers only.
    """
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit)
    status, size, location, pid, parts = None, 0, "", None, []

    def reply(ending: str) -> Reply:
        seconds = time.monotonic() - began
        return Reply(status, seconds, size, ending, location, pid, b"".join(parts))

    try:
        given = {name.lower() for name in call.headers}
        connection.putrequest(call.method, call.path, skip_host="host" in given)
        if "accept" not in given:
            connection.putheader("Accept", "*/*")  # without it, some apps answer 406
        for name, value in call.headers.items():
            connection.putheader(name, value)
        if call.body is not None:
            connection.putheader("Content-Length", str(len(call.body)))
        connection.endheaders(call.body)
        response = connection.getresponse()
        status = response.status
        location = response.getheader("location") or ""
        pid = int(response.getheader("x-workerlab-pid") or 0) or None
        while True:
            left = began + limit - time.monotonic()
            if left <= 0 or size > MOST_BYTES:
                return reply("cut")
            if connection.sock is not None:
                connection.sock.settimeout(left)
            part = response.read1(65536)
            if not part:
                return reply("complete")
            size += len(part)
            if keep:
                parts.append(part)
    except TimeoutError:
        return reply("silent" if status is None else "cut")
    except ConnectionRefusedError:
        return reply("refused")
    except (OSError, http.client.HTTPException, ValueError):
        return reply("hung up")
    finally:
        connection.close()


class Ping:
    """Asks the watch's own path again and again beside something else, over one connection.

        with Ping(port) as ping:
            ...
        ping.longest

    `longest` is the longest time to an answer, in seconds, one that was still awaited included;
    None if nothing was answered at all.
    """

    def __init__(self, port: int, path: str = watch.PING, limit: float = 30.0) -> None:
        self._port, self._path, self._limit = port, path, limit
        self._first, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._times: list[float] = []
        self._answers = 0

    def __enter__(self) -> "Ping":
        self._thread.start()
        self._first.wait(1.0)  # one that begins late on a busy machine would miss what it waits for
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(self._limit)

    @property
    def longest(self) -> float | None:
        return max(self._times) if self._answers else None

    def _run(self) -> None:
        request = f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        began = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", self._port), self._limit) as connection:
                while not self._done.is_set():
                    sent = time.monotonic()
                    connection.sendall(request)
                    answer = connection.recv(4096)
                    self._times.append(time.monotonic() - sent)
                    if not answer:
                        return
                    self._answers += 1
                    self._first.set()
                    time.sleep(EVERY if sent < began + 1 else RARELY)
        except OSError:
            return
