"""Probes of the settings on workers: how many, what each may do, when one is replaced."""

import asyncio
import os
import tempfile

from workerlab.load import burst
from workerlab.server.settings.kinds import (
    ACTS,
    IGNORED,
    NO_EFFECT,
    SERVED,
    Kind,
    answer,
    comes_true,
    start,
    start_served,
)


def workers(kind: Kind) -> str:
    """Are there as many workers as were asked for?"""
    return ACTS if len(start(kind, workers=3).workers) == 3 else IGNORED


def web_concurrency(kind: Kind) -> str:
    """Is the number of workers taken from $WEB_CONCURRENCY?"""
    server = start(kind, workers=None, env={"WEB_CONCURRENCY": "3"})
    return ACTS if comes_true(lambda: len(server.workers) == 3, within=5) else IGNORED


def threads(kind: Kind) -> str:
    """With 2 threads, are more than 6 of 12 plain `def` handlers running at once?"""
    server = start(kind, threads=2)
    run = asyncio.run(burst(f"{server.url}/slow-def?seconds=1", n=12))
    return IGNORED if run.peak_overlap > 6 else ACTS


def max_requests(kind: Kind) -> str:
    """With a limit of 20, does a new worker come within 20 seconds of 60 requests?"""
    server = start_served(kind, max_requests=20)
    first = set(server.workers)
    for _ in range(60):
        answer(server, "/health")

    def has_a_new_worker() -> bool:
        # Between two workers, the kit takes the master for a server that is alone.
        return bool(set(server.workers) - first - {server.pid})

    return ACTS if comes_true(has_a_new_worker, within=20) else IGNORED


def preload(kind: Kind) -> str:
    """Does the master import the app?"""
    server = start_served(kind, preload=True)
    return ACTS if f"imported by {server.pid}\n" in server.log else IGNORED


def reload(kind: Kind) -> str:
    """Within 8 seconds of a change to the app's file, does the new code answer?"""
    # Uvicorn's --reload has one worker.
    server = start_served(kind, workers=None, reload="{folder}")
    changed = SERVED.replace("VERSION = 1", "VERSION = 22")
    # Made again where the first change goes unnoticed, as before the watching has begun.
    for within in (4, 8):
        (server.folder / "served.py").write_text(changed, encoding="utf-8")
        if comes_true(lambda: answer(server, "/version") == "22", within=within):
            return ACTS
    return NO_EFFECT


def worker_tmp_dir(kind: Kind) -> str:
    """Does the start of the workers leave a trace in the folder?"""
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        before = os.stat(folder).st_mtime_ns
        start(kind, worker_tmp_dir=folder)
        return IGNORED if os.stat(folder).st_mtime_ns == before else ACTS
