"""How many workers to start from: lesson 07's rule, with what was measured on this app."""

import math

import psutil

from workerlab.machine import cores_by_affinity, cpu_quota
from workerlab.report.environment import CannotRun
from workerlab.report.experiments.context import Context
from workerlab.report.findings import Finding
from workerlab.report.kinds import BLOCKS


def recommend_workers(cores, computing, worker_mb, memory_mb, waiting=0, holds=40):
    """A number of workers to start with."""
    to_compute = math.ceil(cores / computing)  # cores may be a quota, such as 0.5
    to_hold = math.ceil(waiting / holds)
    fitting = int(memory_mb // worker_mb)
    return max(1, min(max(to_compute, to_hold), fitting))


def find(context: Context) -> list[Finding]:
    """The number for this machine. Raises CannotRun if a worker's memory is not known."""
    if context.worker_megabytes is None:
        raise CannotRun("the memory of a worker is not known")
    cores = min(cores_by_affinity(), cpu_quota() or math.inf)
    machine = {
        "worker_mb": context.worker_megabytes,
        "memory_mb": psutil.virtual_memory().available / 1e6,
    }
    count = recommend_workers(cores, 1, **machine)
    seen = (
        f"{cores:g} cores, {context.worker_megabytes:.0f} MB for each worker, "
        f"{machine['memory_mb']:.0f} MB available."
    )
    if any(one.kind.name == BLOCKS for one in context.judged):
        seen += " What blocks is taken for mended: until then, cores are idle while workers wait."
    return [
        Finding(
            "workers",
            "fine",
            f"Start from {count} worker{'s' if count > 1 else ''} on this machine",
            "The rule of lesson 07, with the memory of a worker as measured, and the cores and the "
            "available memory of this machine.",
            seen,
            "Start from this number on a machine like this one, and measure under your own load: "
            "add a worker as long as the throughput grows. Requests that wait in the thread pool "
            "need one worker for each 40 of them.",
            "07",
            figures={"workers": count, "cores": cores},
        )
    ]
