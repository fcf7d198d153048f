"""Asking every worker of a server: a kept connection to each of them."""

import contextlib
import json
import time
from http.client import HTTPConnection, HTTPException

import psutil

from workerlab.checks.app import Reply
from workerlab.server.server import Server


def one_to_each(server: Server, count: int, deadline: float) -> list[HTTPConnection] | None:
    """A kept connection to each of `count` workers; None if they do not answer in time.

    While the others stand still, only one can accept. The server must not close idle connections.
    """
    while len(server.workers) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    workers = [psutil.Process(pid) for pid in server.workers]
    connections = []
    try:
        for worker in workers:
            for one in workers:
                one.resume() if one == worker else one.suspend()
            seconds = max(0.5, deadline - time.monotonic())
            connection = HTTPConnection("127.0.0.1", server.port, timeout=seconds)
            connection.request("GET", "/no-such-path")
            connection.getresponse().read()
            connections.append(connection)
    except (OSError, HTTPException, psutil.Error):
        return None
    finally:
        for worker in workers:
            with contextlib.suppress(psutil.Error):
                worker.resume()
    return connections if len(connections) == count else None


def ask(connection: HTTPConnection, path: str, limit: float) -> Reply:
    """The reply to a GET over this connection; `limit` is in seconds."""
    try:
        if connection.sock is not None:
            connection.sock.settimeout(limit)
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(10_000).decode(errors="replace")
    except TimeoutError:
        return Reply(path, error="no reply within the time limit")
    except (OSError, HTTPException) as error:
        return Reply(path, error=f"the server closed the connection ({type(error).__name__})")
    try:
        return Reply(path, response.status, json.loads(body))
    except ValueError:
        return Reply(path, response.status, body[:300])


def cpu_of_workers(server: Server) -> float:
    """Seconds of CPU time that the server's workers have used."""
    times = [psutil.Process(pid).cpu_times() for pid in server.workers]
    return sum(one.user + one.system for one in times)
