"""Sweeps over the number of workers, from a small model of a server and its client.

A sweep is a list of rows, one for each number of workers, fewest first. The client keeps a fixed
number of requests in progress, so by Little's law their latency is that number / throughput.
"""

import random
from dataclasses import dataclass
from typing import Literal

Bottleneck = Literal["cpu", "client", "memory", "unfinished", "waiting"]
IN_PROGRESS = 40  # requests, always
NOISE = 0.03  # of each figure
FULL = 0.97  # of a core, where it is what limits


@dataclass(frozen=True)
class Situation:
    """One server. All workers together may use `cores` and `memory_mb`; the first costs `first_mb`,
    each further one `worker_mb`. A worker computes for a `share` of its time, and `request_cpu` and
    `client_cpu` are seconds of CPU for a request.
    """

    bottleneck: Bottleneck
    rows: int
    cores: float
    memory_mb: int
    share: float = 1.0
    request_cpu: float = 0.02
    client_cpu: float = 0.0004
    worker_mb: int = 60
    first_mb: int = 90

    def sweep(self) -> list[dict[str, float]]:
        """The rows. Throughput is in requests per second, p95 in seconds, CPU in cores."""
        chance = random.Random(repr(self))
        rows = []
        for workers in range(1, self.rows + 1):
            most = min(workers * self.share, FULL * self.cores) / self.request_cpu
            if self.bottleneck == "waiting":
                most = IN_PROGRESS / 0.5  # each request waits for half a second
            most = min(most, FULL / self.client_cpu)
            throughput = most * chance.uniform(1 - NOISE, 1)
            rows.append(
                {
                    "workers": workers,
                    "throughput": round(throughput, 1),
                    "p95": round(1.2 * IN_PROGRESS / throughput, 3),
                    "workers_cpu": round(throughput * self.request_cpu, 2),
                    "client_cpu": round(throughput * self.client_cpu, 2),
                    "memory_mb": self.first_mb + (workers - 1) * self.worker_mb,
                }
            )
        return rows


SHOWN = {
    "A": Situation("cpu", 6, 2, 2_000, share=0.8),
    "B": Situation("waiting", 6, 2, 2_000, request_cpu=0.002, client_cpu=0.0005),
    "C": Situation("client", 6, 4, 2_000, request_cpu=0.0003),
    "D": Situation("memory", 5, 8, 1_500, share=0.25, worker_mb=290, first_mb=310),
    "E": Situation("unfinished", 5, 8, 4_000, share=0.25, worker_mb=290, first_mb=310),
}
HIDDEN = [
    Situation("cpu", 4, 0.5, 1_000),  # a container with a quota of half a core
    Situation("client", 6, 4, 2_000, request_cpu=0.0011),  # the workers use more, and have more
    # The memory is full, and more of it would bring nothing.
    Situation("cpu", 5, 2, 500, worker_mb=90, first_mb=120),
    Situation("client", 5, 4, 500, request_cpu=0.0005, worker_mb=90, first_mb=120),
    Situation("waiting", 5, 2, 500, request_cpu=0.001, worker_mb=90, first_mb=120),
    # Two with the same sweep; and two where the size of the last worker counts.
    Situation("memory", 5, 8, 1_500, share=0.6, worker_mb=280, first_mb=300),
    Situation("unfinished", 5, 8, 1_750, share=0.6, worker_mb=280, first_mb=300),
    Situation("memory", 4, 8, 2_100, share=0.3, worker_mb=430, first_mb=450),
    Situation("unfinished", 6, 8, 565, share=0.3, worker_mb=50, first_mb=260),
]


def table(sweep: list[dict[str, float]]) -> str:
    """The rows as lines of text, below the names of their columns."""
    columns = [[name, *(f"{row[name]:g}" for row in sweep)] for name in sweep[0]]
    padded = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    return "\n".join("  ".join(cells) for cells in zip(*padded, strict=True))
