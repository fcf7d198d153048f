"""Probes of the settings that are seconds."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

from workerlab.server.server import Server
from workerlab.server.settings.kinds import (
    ACTS,
    IGNORED,
    NO_EFFECT,
    Kind,
    answer,
    comes_true,
    request,
    start_served,
)


def timeout(kind: Kind) -> str:
    """With a limit of 5 s, is a worker killed whose handler blocks the event loop for long?"""
    server = start_served(kind, timeout=5)
    return ACTS if is_killed_by(server, "/block?seconds=30") else NO_EFFECT


def held_gil(kind: Kind) -> str:
    """With a limit of 5 s, is a worker killed in which a C function keeps the GIL?"""
    server = start_served(kind, timeout=5)
    return ACTS if is_killed_by(server, "/hold-gil") else NO_EFFECT


def is_killed_by(server: Server, path: str) -> bool:
    """Whether the server hangs up on this request within 16 seconds."""
    try:
        request(server, path, timeout=16)
    except TimeoutError:
        return False
    except (OSError, HTTPException):
        return True
    return False


def graceful_timeout(kind: Kind) -> str:
    """After TERM, is a long request cut with a limit of 1 s, and a short one answered with 30?"""
    if is_answered_after_term(kind, graceful_timeout=1, seconds=6):
        return IGNORED
    return ACTS if is_answered_after_term(kind, graceful_timeout=30, seconds=1.5) else IGNORED


def is_answered_after_term(kind: Kind, graceful_timeout: int, seconds: float) -> bool:
    """Whether a request of so many seconds gets its reply although TERM comes in between."""
    server = start_served(kind, graceful_timeout=graceful_timeout)
    with ThreadPoolExecutor(1) as thread:
        reply = thread.submit(answer, server, f"/wait?seconds={seconds}")
        comes_true(lambda: "began to wait" in server.log, within=10)
        server.signal("TERM")
        return reply.result() is not None


def keepalive(kind: Kind) -> str:
    """When an idle connection with a limit of 1 s has been closed, is one with 30 s still open?"""
    one = start_served(kind, keepalive=1)
    thirty = start_served(kind, keepalive=30, name="beside")
    # The long one comes first: where neither limit is heeded, it does not outlive the other.
    with idle_connection(thirty) as long, idle_connection(one) as short:
        closed = comes_true(lambda: is_closed(short), within=8)
        time.sleep(0.5)
        return ACTS if closed and not is_closed(long) else IGNORED


def idle_connection(server: Server) -> socket.socket:
    """A connection over which one request has been answered."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.recv(65536)
    client.setblocking(False)
    return client


def is_closed(client: socket.socket) -> bool:
    """Whether the server has hung up."""
    try:
        while client.recv(65536):
            continue  # the rest of the reply
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
