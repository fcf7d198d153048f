"""Probes of the settings on sockets, connections and the requests that come over them."""

import asyncio
import json
import os
import signal
import socket
import time
from typing import Any

from workerlab.load import burst
from workerlab.server.settings.kinds import (
    ACTS,
    IGNORED,
    NOT_MEASURABLE,
    Kind,
    request,
    start,
    start_served,
)


def bind(kind: Kind) -> str:
    """Does it listen at the address given, and nowhere else?"""
    server = start(kind)
    addresses = {held.address for held in server.listening()}
    return ACTS if addresses == {f"127.0.0.1:{server.port}"} else IGNORED


def unix_socket(kind: Kind) -> str:
    """Does it answer on a Unix socket?"""
    server = start_served(kind, unix_socket="{folder}/app.sock")
    return ACTS if server.url.startswith("unix:") else IGNORED


def backlog(kind: Kind) -> str:
    """With a queue of 2 and workers that accept nothing, do 20 clients get a connection?"""
    server = start(kind, backlog=2)
    stopped = server.workers
    clients = [socket.socket() for _ in range(20)]
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", server.port))
        time.sleep(0.3)
        connected = sum(is_connected(client) for client in clients)
    finally:
        for client in clients:
            client.close()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    return ACTS if connected < 10 else IGNORED


def is_connected(client: socket.socket) -> bool:
    """Whether the kernel has taken the connection."""
    try:
        client.getpeername()
    except OSError:
        return False
    return True


def reuse_port(kind: Kind) -> str:
    """Has each of two workers a listening socket of its own?"""
    sockets = {held.inode for held in start(kind, workers=2, reuse_port=True).listening()}
    if None in sockets:
        return NOT_MEASURABLE
    return ACTS if len(sockets) > 1 else IGNORED


def worker_connections(kind: Kind) -> str:
    """With a limit of 5, are at most 15 of 30 requests in progress at once?"""
    server = start_served(kind, worker_connections=5)
    run = asyncio.run(burst(f"{server.url}/wait?seconds=1", n=30))
    answered = sum(record.ok for record in run.records)
    # Where all are refused, there is no overlap to be known.
    return IGNORED if answered > 15 and run.peak_overlap > 15 else ACTS


def limit_request_line(kind: Kind) -> str:
    """With a limit of 100 bytes, is a request line of 1000 refused?"""
    server = start_served(kind, limit_request_line=100)
    status, _ = request(server, f"/health?{'x' * 1000}")
    return IGNORED if status == 200 else ACTS


def limit_request_fields(kind: Kind) -> str:
    """With a limit of 10 headers, is a request with 30 refused?"""
    server = start_served(kind, limit_request_fields=10)
    status, _ = request(server, "/health", headers={f"X-{number}": "x" for number in range(30)})
    return IGNORED if status == 200 else ACTS


def forwarded_allow_ips(kind: Kind) -> str:
    """Is X-Forwarded-Proto believed from the peer that is named, and from another not?"""
    believed = as_seen_by_the_app(kind, trusted="127.0.0.1")["scheme"] == "https"
    still = as_seen_by_the_app(kind, trusted="192.0.2.1")["scheme"] == "https"
    return ACTS if believed and not still else IGNORED


def forwarded_for(kind: Kind) -> str:
    """Does the app see the client's address that a trusted peer names in X-Forwarded-For?"""
    address = as_seen_by_the_app(kind, trusted="127.0.0.1")["address"]
    return ACTS if address == "203.0.113.7" else IGNORED


def as_seen_by_the_app(kind: Kind, trusted: str) -> dict[str, Any]:
    """The scheme and the client's address in a request that came through a proxy."""
    server = start_served(kind, forwarded_allow_ips=trusted)
    headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    return json.loads(request(server, "/client", headers=headers)[1])
