"""Waiting until a server that was launched is ready, or has failed."""

import contextlib
import ipaddress
import re
import select
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workerlab.probe import PATH, READINESS, REQUEST_ID_HEADER
from workerlab.reports import reports
from workerlab.server import processes
from workerlab.server.commands import beyond, workers_asked_for
from workerlab.server.launch import Launch
from workerlab.server.start_errors import (
    INDENT,
    LOG_ENDS,
    PortTaken,
    ServerDidNotStart,
    cause,
    has_failed,
    has_lost_a_child,
    is_listening,
    is_port_taken,
    misspelt_settings,
)

if TYPE_CHECKING:
    from workerlab.server.server import Server

# From a fatal line of the log to the end of the wait for an answer, in seconds.
_AFTER_A_FAILURE = 0.5
# From the line that a child has ended to giving up that another comes. On a busy machine `uvicorn
# --workers` takes a slow child for a dead one, and its next one serves.
_AFTER_A_LOST_CHILD = 5.0
_FOR_THE_PROBE = 5.0  # seconds for an answer of its own path


class Start:
    """A server between its launch and its first answer."""

    def __init__(self, server: "Server", launched: Launch) -> None:
        self._server = server
        self._launched = launched

    def wait(self, timeout: float) -> None:
        """Return when the server answers and has all of its workers; `timeout` is in seconds.

        Raises ServerDidNotStart, or ValueError where it listens beyond this machine.
        """
        launched = self._launched
        listens = answered = False
        failing_since, lost_since, next_look = None, None, launched.since + 1
        problem = "did not answer"
        with contextlib.closing(ReadinessProbe(launched.url)) as asked:
            while not (answered and self._has_its_workers()):
                if answered:
                    problem = "did not have all of its workers"
                    time.sleep(0.005)
                else:
                    was_connected = asked.is_connected
                    has_answer = asked.answered()
                    # Another program may have the port. It takes a while to find out, so do that
                    # while the server is about to answer.
                    if has_answer or (asked.is_connected and not was_connected):
                        listens = listens or self._listens()
                    answered = has_answer and listens
                    time.sleep(0.05 if has_answer and not listens else 0)
                now = time.monotonic()
                launched.guard.look()
                if launched.guard.gone:
                    raise self._failed(f"ended with exit code {launched.guard.exit_code}")
                if now > launched.since + timeout:
                    self._look_elsewhere()
                    silence = f"it wrote nothing for the last {launched.silent_for():.1f} s"
                    raise self._failed(f"{problem} within {timeout:g} s, and {silence}")
                # Not every server leaves when it fails: `uvicorn --workers` starts its workers
                # again and again, and Gunicorn tries a taken port five times.
                log = launched.end_of_log()
                if failing_since is None and has_failed(log):
                    failing_since = now
                if failing_since is not None and now > failing_since + _AFTER_A_FAILURE:
                    raise self._failed("reported an error and did not answer")
                lost_since = (lost_since or now) if has_lost_a_child(log) else None
                if lost_since is not None and now > lost_since + _AFTER_A_LOST_CHILD:
                    raise self._failed("lost its worker, and no new one started")
                if not answered and now > next_look and is_listening(log):
                    next_look = now + 1
                    self._look_elsewhere()

    def _has_its_workers(self) -> bool:
        """Whether as many have started as the command asks for, if it does and the app reports."""
        count = workers_asked_for(self._launched.command)
        started = reports.workers_started(self._launched.since)
        # Those of a server that starts at the same time may have reported.
        if count is None or not started or started.isdisjoint(self._server.pids):
            return True
        return len(workers_ready(self._server, self._launched)) == count

    def _listens(self) -> bool:
        """Whether one of its processes listens where the command line says."""
        port = self._launched.port
        if port is None:
            return True  # a Unix socket, in the server's own folder
        if self._hold([self._server.pid], port):
            return True
        # A start script listens nowhere, the server that it starts does.
        holders = self._hold(self._server.pids, port)
        if holders:
            self._server.take_as_master(holders)
        return bool(holders)

    def _hold(self, pids: list[int], port: int) -> list[int]:
        sockets = processes.listening(pids)
        self._refuse_beyond_loopback(sockets)
        return [held.pid for held in sockets if held.port == port]

    def _look_elsewhere(self) -> None:
        """Raise if this server listens, but not where the command line says."""
        port = self._launched.port
        sockets = processes.listening(self._server.pids)
        self._refuse_beyond_loopback(sockets)
        if port is not None and sockets and all(held.port != port for held in sockets):
            raise self._failed(
                f"listens at {sockets[0].address} and not at 127.0.0.1:{port}, as the command "
                "line says",
                "Give the address on the command line, where it overrides the others, or write "
                "{port} for the port number: the kit then fills in a free one.",
            )

    def _refuse_beyond_loopback(self, sockets: list[processes.Socket]) -> None:
        for held in sockets:
            if not ipaddress.ip_address(held.host).is_loopback:
                raise ValueError(beyond(self._launched.command, held.address))

    def _failed(self, what: str, advice: str = "") -> ServerDidNotStart:
        command, log = self._launched.command, self._launched.end_of_log()
        known = [advice or cause(log), misspelt_settings(command, self._launched.cwd)]
        told = "\n".join(filter(None, known)) or "The log may say why."
        kind = PortTaken if is_port_taken(log) else ServerDidNotStart
        return kind(f"{command}\n{what}. {told}\n{LOG_ENDS}{last_lines(log)}")


def workers_ready(server: "Server", launched: Launch) -> list[int]:
    """The pids of those workers whose app has started, if the app reports."""
    started = reports.workers_started(launched.since)
    return [pid for pid in server.workers if pid in started]


def last_lines(log: str, count: int = 15) -> str:
    """The end of a log, indented."""
    lines = log.splitlines()[-count:] or ["(empty)"]
    return "\n".join(f"{INDENT}{line}" for line in lines)


def answers_as_probe(url: str) -> bool:
    """Whether the probe's own path is answered as the probe does, within some seconds."""
    with contextlib.closing(ReadinessProbe(url, PATH)) as asked:
        deadline = time.monotonic() + _FOR_THE_PROBE
        while not asked.answered() and time.monotonic() < deadline:
            continue
    return asked.status == 204


class ReadinessProbe:
    """One GET, asked as soon as there is somebody to connect to.

    A listening socket takes the connection before its workers are there to answer. So the request
    is sent once, and the answer comes at the very moment at which the first worker is ready. Of a
    server whose URL begins with `tcp://` the connection is all that can be asked for.
    """

    def __init__(self, url: str, path: str = "/health") -> None:
        self.status: int | None = None
        self._url = urlsplit(url)
        # With this ID, no observer counts it.
        headers = f"Host: localhost\r\nConnection: close\r\n{REQUEST_ID_HEADER}: {READINESS}"
        self._request = f"GET {path} HTTP/1.1\r\n{headers}\r\n\r\n"
        self._connection: socket.socket | None = None

    @property
    def is_connected(self) -> bool:
        """Whether somebody has taken the connection and not answered yet."""
        return self._connection is not None

    def answered(self) -> bool:
        """Whether an HTTP answer has come, whatever its status.

        Without a connection it asks, and returns at once; otherwise it waits for up to 50 ms.
        """
        try:
            if self._connection is None:
                self._connection = self._connect()
                if self._url.scheme == "tcp":
                    self.close()
                    return True
                self._connection.sendall(self._request.encode())
                return False
            if not select.select([self._connection], [], [], 0.05)[0]:
                return False
            answer = self._connection.recv(1024)
        except OSError:
            time.sleep(0.005)
            answer = b""
        self.close()
        if match := re.match(rb"HTTP/1\.[01] (\d+)", answer):
            self.status = int(match[1])
        return self.status is not None

    def _connect(self) -> socket.socket:
        if self._url.scheme != "unix":
            return socket.create_connection((self._url.hostname, self._url.port), timeout=1)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(1)
            connection.connect(self._url.path)
        except OSError:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
