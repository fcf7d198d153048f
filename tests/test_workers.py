"""Adding workers, keeping them to some cores, asking each, and what they weigh."""

import asyncio
import os
import subprocess
import sys
import time

import psutil
import pytest

from workerlab import Server, burst, stop_all, workers
from workerlab.workers import OtherPrograms, ask_every_worker, grow_to, keep_to, megabytes

COMMAND = (
    "gunicorn app.main:app --workers 1"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)


@pytest.fixture(scope="module")
def server():
    yield Server(COMMAND)
    stop_all()


def test_a_server_grows_on_its_cores_and_each_worker_is_asked(server):
    first = server.workers
    numbers = keep_to(server, 1)
    grow_to(server, 2)
    grow_to(server, 1)  # never fewer
    assert len(server.workers) == 2 and set(first) < set(server.workers)
    if hasattr(os, "sched_getaffinity"):
        assert len(numbers) == 1
        assert [os.sched_getaffinity(pid) for pid in server.pids] == [set(numbers)] * 3
    replies = asyncio.run(ask_every_worker(server, "/"))
    assert {pid: reply["worker_pid"] for pid, reply in replies.items()} == {
        pid: pid for pid in server.workers
    }


def test_a_worker_that_never_answers_is_an_error(server, monkeypatch):
    monkeypatch.setattr(workers, "MOST_ROUNDS", 2)
    with pytest.raises(TimeoutError, match=r"only 0 of . workers have answered /nowhere"):
        asyncio.run(ask_every_worker(server, "/nowhere"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports PSS")
def test_shared_memory_counts_once(server):
    resident = sum(psutil.Process(pid).memory_info().rss for pid in server.pids) / 1e6
    assert 10 < megabytes(server.pids) < resident


def test_what_other_programs_use_is_told_from_what_the_server_uses(server):
    others = OtherPrograms(server)
    assert others.most == 0
    with others.watched():
        began = time.monotonic()
        asyncio.run(burst(f"{server.url}/cpu?seconds=0.5"))
        took = time.monotonic() - began
    # On a busy machine others use much; the server's half second is never theirs.
    assert others.most * took < (os.cpu_count() or 1) * took - 0.4
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        with others.watched():
            used = psutil.Process(other.pid).cpu_times().user
            time.sleep(1)
            used = psutil.Process(other.pid).cpu_times().user - used
    finally:
        other.kill()
        other.wait()
    assert others.most > used - 0.1
