"""How many requests a worker serves until it leaves, where max_requests replaces it."""

import http.client
import json
import time

from workerlab.checks.patience import patience
from workerlab.server import processes
from workerlab.server.server import Server

MOST = 150  # requests to one worker
LIMIT = 30.0  # seconds for all of them, which take one or two on an idle machine
UNANSWERED = 6  # connections in a row; then nobody is there


def requests_until_one_leaves(server: Server, wait: float) -> int | None:
    """How many requests the first worker that leaves has served; None if none leaves.

    `wait` is in seconds: for how long a worker is waited for which has closed a connection, or
    has served MOST requests.
    """
    until = time.monotonic() + LIMIT
    timeout = patience(3)
    counts: dict[int, int] = {}
    unanswered = 0
    while max(counts.values(), default=0) < MOST and time.monotonic() < until:
        before = counts.copy()
        worker = _ask_while_connected(server, counts, timeout)
        unanswered = 0 if worker in counts else unanswered + 1
        # Where nothing is kept alive, each connection ends with its first request.
        leaves = unanswered > 0 or counts[worker] > before.get(worker, 0) + 1
        looks_end = time.monotonic() + (wait if leaves else 0)
        while True:
            # Nobody else is asked meanwhile: the other workers shall not leave as well.
            gone = [pid for pid in counts if not processes.is_alive(pid)]
            if gone:
                return counts[gone[0]]
            if time.monotonic() > looks_end:
                break
            time.sleep(0.01)
        if unanswered == UNANSWERED:
            break
    return None


def _ask_while_connected(server: Server, counts: dict[int, int], timeout: float) -> int:
    """Ask through one connection, so one worker, until it is closed; its pid, or -1."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    worker = -1
    try:
        connection.connect()
        connection.auto_open = 0
        while counts.get(worker, 0) < MOST:
            connection.request("GET", "/health")
            worker = json.loads(connection.getresponse().read())["worker_pid"]
            counts[worker] = counts.get(worker, 0) + 1
            # Uvicorn looks every 0.1 s at how many it has served.
            time.sleep(0.004)
    except (http.client.HTTPException, OSError):
        pass
    finally:
        connection.close()
    return worker
