"""The memory of a worker, with and without preloading the app in Gunicorn's master."""

import sys

import psutil

from workerlab.report.app import one_worker, running
from workerlab.report.environment import CannotRun
from workerlab.report.experiments.context import Context
from workerlab.report.experiments.several import WORKERS, with_gunicorn
from workerlab.report.findings import Bar, Finding
from workerlab.workers import megabytes

SAVING = 0.15  # of the memory: less is not worth the trouble that preloading brings
WHAT = "PSS, which counts a shared page once" if sys.platform == "linux" else "RSS"


def find(context: Context) -> list[Finding]:
    """One worker's memory, and that of WORKERS with their master, with preload and without."""
    try:
        words = with_gunicorn(context)
    except CannotRun as error:
        context.unknown.append(("memory with preload", str(error)))
        return [alone(context)]
    figures = {}
    for name, preload in (("without preload", False), ("with preload", True)):
        with running(context.reader, words, workers=WORKERS, preload=preload) as app:
            figures[name] = weigh(app.pids)
            if not preload:
                worker = context.worker_megabytes = weigh(app.workers[:1])
    before, after = figures["without preload"], figures["with preload"]
    saves = before - after > SAVING * before
    return [
        Finding(
            "memory",
            "worth knowing" if saves else "fine",
            f"A worker needs {worker:.0f} MB; preloading "
            + (f"saves {before - after:.0f} MB with {WORKERS}" if saves else "saves little"),
            f"Gunicorn with {WORKERS} workers, weighed right after the start ({WHAT}).",
            f"Master and workers together: {before:.0f} MB without --preload, {after:.0f} MB with "
            "it.",
            "preload_app = True shares what the app loads before the fork. Look at what is opened "
            "before the fork first, and remember that HUP then doesn't load new code."
            if saves
            else "Leave preload_app alone. Count on this much for each worker, and on more once "
            "it has served for a while.",
            "07",
            [Bar(name, value, f"{value:.0f} MB") for name, value in figures.items()],
            {
                "worker_megabytes": round(worker, 1),
                "together_megabytes": round(before, 1),
                "together_preloaded_megabytes": round(after, 1),
            },
        )
    ]


def alone(context: Context) -> Finding:
    with running(context.reader, one_worker(context.reader)) as app:
        worker = context.worker_megabytes = weigh(app.workers[:1])
    return Finding(
        "memory",
        "fine",
        f"A worker needs {worker:.0f} MB",
        f"One worker, weighed right after the start ({WHAT}).",
        f"{worker:.0f} MB.",
        "Count on this much for each worker, and on more once it has served for a while.",
        "07",
        figures={"worker_megabytes": round(worker, 1)},
    )


def weigh(pids: list[int]) -> float:
    """Millions of bytes. Raises CannotRun if a process has ended meanwhile."""
    try:
        return megabytes(pids)
    except psutil.Error:
        raise CannotRun("a process ended while it was weighed") from None
