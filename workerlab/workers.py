"""The workers of a running server: adding some, limiting their cores, asking and weighing them."""

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import psutil

from workerlab.load import burst
from workerlab.server.server import Server

MOST_ROUNDS = 50


def grow_to(server: Server, count: int) -> None:
    """Have a Gunicorn add workers, one at a time (`TTIN`), until there are `count` of them.

    Raises TimeoutError as `Server.wait_for_workers` does.
    """
    for size in range(len(server.workers) + 1, count + 1):
        server.signal("TTIN")
        server.wait_for_workers(size)


def keep_to(server: Server, cores: int) -> list[int]:
    """Let a server use the first `cores` of this process's cores only, and return their numbers.

    Workers that it starts later inherit that. macOS has no affinity: the server may use all cores
    there, and all are returned.

    Source: https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html
    """
    if not hasattr(os, "sched_setaffinity"):
        return list(range(os.cpu_count() or 1))
    numbers = sorted(os.sched_getaffinity(0))[:cores]
    for pid in server.pids:
        os.sched_setaffinity(pid, numbers)
    return numbers


class OtherPrograms:
    """How much of the machine is used by others than a server and this process.

    `most` is the largest number of cores that they used during one of the blocks

        with others.watched():

    as a mean over that block: 0.0 before the first one. All cores of the machine count.

    Source: https://psutil.readthedocs.io/en/latest/#psutil.cpu_times
    """

    def __init__(self, server: Server) -> None:
        self.most = 0.0
        self._server = server

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        began, used = time.monotonic(), self._used()
        yield
        self.most = max(self.most, (self._used() - used) / (time.monotonic() - began))

    def _used(self) -> float:
        """Seconds of CPU time since the machine was started."""
        times = psutil.cpu_times()._asdict()
        # What a guest uses is in the time of the user, too.
        idle = sum(times.get(name, 0.0) for name in ("idle", "iowait", "guest", "guest_nice"))
        ours = time.process_time()
        for pid in self._server.pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                ours += sum(psutil.Process(pid).cpu_times()[:2])
        return sum(times.values()) - idle - ours


def megabytes(pids: Iterable[int]) -> float:
    """The memory of these processes together, in millions of bytes.

    It is their PSS, which counts a shared page once. macOS does not report that: there it is RSS,
    which counts it for each process.
    """
    processes = [psutil.Process(pid) for pid in pids]
    if sys.platform == "linux":
        return sum(process.memory_full_info().pss for process in processes) / 1e6
    return sum(process.memory_info().rss for process in processes) / 1e6


async def ask_every_worker(server: Server, path: str) -> dict[int, Any]:
    """GET `path` until each worker has answered; return the last reply of each, by pid.

    Which worker gets a request depends on chance, so two per worker are sent again and again.
    Raises TimeoutError if one has not answered after 50 rounds.
    """
    workers = server.workers
    replies: dict[int, Any] = {}
    for _ in range(MOST_ROUNDS):
        run = await burst(f"{server.url}{path}", n=2 * len(workers))
        replies |= {record.worker: record.reply for record in run.records if record.ok}
        if replies.keys() >= set(workers):
            return replies
    raise TimeoutError(f"only {len(replies)} of {len(workers)} workers have answered {path}")
