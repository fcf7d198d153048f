"""Sweeps over the number of workers, from a small model of a server and its client.

A sweep is a list of rows, one for each number of workers, fewest first. The client keeps a fixed
number of requests under way, so by Little's law their latency is that number / throughput.
"""

import random
from dataclasses import dataclass
from typing import Literal

Resource = Literal["cpu", "memory", "client", "waiting"]
Row = dict[str, float]
UNDER_WAY = 40  # requests, always
NOISE = 0.03  # of each figure
FULL = 0.97  # of a core, where it is what limits


@dataclass(frozen=True)
class Situation:
    """One server: how many rows, what limits them, and what makes it hard to see.

    `share` is the part of its time in which one worker computes, `request_cpu` and `client_cpu`
    are seconds of CPU for a request, `worker_mb` is what each worker costs after the first, which
    costs `first_mb`; `cores` and `memory_mb` are what all workers together may use.
    """

    binding: Resource
    trap: str
    rows: int
    cores: float
    memory_mb: int
    share: float = 1.0
    request_cpu: float = 0.02
    client_cpu: float = 0.0004
    worker_mb: int = 60
    first_mb: int = 90

    def sweep(self) -> list[Row]:
        """The rows; each has workers, throughput (requests/s), p95 (s), workers_cpu and client_cpu
        (cores), memory_mb."""
        chance = random.Random(repr(self))
        rows = []
        for workers in range(1, self.rows + 1):
            if self.binding == "waiting":
                most = UNDER_WAY / 0.5  # each request waits for half a second
            else:
                most = workers * self.share / self.request_cpu
            throughput = min(
                most, FULL * self.cores / self.request_cpu, FULL / self.client_cpu
            ) * chance.uniform(1 - NOISE, 1)
            memory = self.first_mb + (workers - 1) * self.worker_mb
            rows.append(
                {
                    "workers": workers,
                    "throughput": round(throughput, 1),
                    "p95": round(1.2 * UNDER_WAY / throughput, 3),
                    "workers_cpu": round(throughput * self.request_cpu, 2),
                    "client_cpu": round(throughput * self.client_cpu, 2),
                    "memory_mb": memory,
                }
            )
        return rows


SHOWN = {
    "A": Situation("cpu", "", 6, 2, 2_000, share=0.8),
    "B": Situation("waiting", "", 6, 2, 2_000, request_cpu=0.002, client_cpu=0.0005),
    "C": Situation("client", "", 6, 4, 2_000, request_cpu=0.0003, client_cpu=0.0004),
    "D": Situation("memory", "", 5, 8, 1_500, share=0.25, worker_mb=290, first_mb=310),
}

HIDDEN = [
    Situation("cpu", "", 8, 4, 4_000),
    Situation("cpu", "", 6, 2, 1_500, share=0.7, request_cpu=0.05),
    Situation("client", "", 5, 4, 3_000, request_cpu=0.0003, client_cpu=0.0005),
    Situation("client", "", 6, 8, 3_000, request_cpu=0.0006, client_cpu=0.0007),
    Situation("memory", "", 5, 8, 1_000, share=0.3, worker_mb=190, first_mb=200),
    Situation("memory", "", 4, 4, 2_000, share=0.2, worker_mb=480, first_mb=500),
    Situation("waiting", "", 5, 2, 2_000, request_cpu=0.001),
    Situation("waiting", "", 7, 4, 3_000, request_cpu=0.003),
    Situation("cpu", "quota", 4, 0.5, 1_000),
    Situation("cpu", "quota", 5, 1.5, 1_000, share=0.8),
    Situation("cpu", "tight", 5, 2, 500, worker_mb=90, first_mb=120),
    Situation("client", "tight", 5, 4, 500, request_cpu=0.0005, worker_mb=90, first_mb=120),
    Situation("waiting", "tight", 5, 2, 500, request_cpu=0.001, worker_mb=90, first_mb=120),
    Situation("client", "busy", 6, 4, 2_000, request_cpu=0.0011, client_cpu=0.0004),
    Situation("memory", "busy", 5, 8, 1_500, share=0.6, worker_mb=280, first_mb=300),
    Situation("memory", "early", 4, 8, 2_100, share=0.3, worker_mb=430, first_mb=450),
]


def table(sweep: list[Row]) -> str:
    """The rows as lines of text, below the names of their columns."""
    columns = [[name, *(f"{row[name]:g}" for row in sweep)] for name in sweep[0]]
    padded = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    return "\n".join("  ".join(cells) for cells in zip(*padded, strict=True))
