"""What was measured: a record for every request, and a run of many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workerlab.pictures.timeline import Timeline
    from workerlab.reports import Moment

MOMENTS = ("reached", "began", "ended", "replied", "raised")
NOTHING = (None, None, None)
TIMED = {"began", "ended", "thread", "worker_pid"}  # in a timed reply of app.main


@dataclass
class Record:
    """One request. Times are `time.monotonic()` in seconds; None: it did not come so far.

    `sent` and `received` (the whole reply, or the failure) are the client's; the others come from
    inside the worker, in the order in which they stand here: from its report, or where it makes
    none, from a timed reply.
    """

    id: str = ""
    url: str = ""
    sent: float = 0.0
    reached: float | None = None
    began: float | None = None
    ended: float | None = None
    received: float = 0.0
    status: int | None = None
    worker: int | None = None
    thread: str | None = None
    error: str | None = None
    reply: Any = None
    due: float | None = None  # when the schedule of `steady` wanted it sent

    @property
    def ok(self) -> bool:
        """Whether a whole reply with a status below 400 came."""
        return self.error is None and self.status is not None and self.status < 400

    @property
    def latency(self) -> float:
        """Seconds from sending to the whole reply, or to the failure."""
        return self.received - self.sent

    @property
    def in_thread_pool(self) -> bool:
        """Whether the handler ran in another thread than the event loop's."""
        return self.thread not in (None, "MainThread")

    def join(self, moments: dict[str, Moment]) -> None:
        """Add what the worker reported (see workerlab.probe).

        Where it reports nothing, a timed reply tells when its handler ran.
        """
        if not moments:
            self._take_from_reply()
            return
        reached, began, ended, replied, raised = map(moments.get, MOMENTS)
        self.worker = next(iter(moments.values()))[0]
        # A handler without `timed` is taken to begin at once and to end with its reply.
        _, self.reached, _ = reached or NOTHING
        _, self.began, thread = began or reached or NOTHING
        _, self.ended, _ = ended or replied or raised or NOTHING
        if began:
            self.thread = thread
        if raised and self.error is None:
            self.error = f"the handler raised {raised[2]}"

    def _take_from_reply(self) -> None:
        if isinstance(self.reply, dict) and self.reply.keys() >= TIMED:
            self.began, self.ended = self.reply["began"], self.reply["ended"]
            self.thread, self.worker = self.reply["thread"], self.reply["worker_pid"]


@dataclass
class Run:
    """The records of one experiment, in the order of sending."""

    records: list[Record]
    client_cpu: float = 0.0  # seconds of CPU time which the client used meanwhile
    rate: float | None = None  # requests per second asked for, of an open loop
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.records.sort(key=lambda record: record.sent)

    @classmethod
    def of_replies(cls, replies: list[dict[str, Any]]) -> Run:
        """A run from replies that were collected by hand.

        Each is a timed reply of app.main to which `sent` and `received` were added.
        """
        shared = ("sent", "began", "ended", "received", "thread")
        return cls(
            [
                Record(
                    status=200, worker=reply["worker_pid"], **{key: reply[key] for key in shared}
                )
                for reply in replies
            ]
        )

    def __add__(self, other: Run) -> Run:
        """Two runs which went on side by side, as one. The CPU time counted twice is the larger."""
        return Run(
            self.records + other.records,
            max(self.client_cpu, other.client_cpu),
            notes=self.notes + other.notes,
        )

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        text = (
            f"{_count(len(self), 'request')}; measured: {self.makespan:.2f} s in all, "
            f"{_count(len(self.by_worker), 'worker')}, "
            f"{_count(self.peak_overlap, 'handler')} at once, {len(self.failures)} failed"
        )
        return "\n".join([text, *self.notes])

    @property
    def makespan(self) -> float:
        """Seconds from the first request sent to the last reply received."""
        if not self.records:
            return 0.0
        return max(r.received for r in self.records) - min(r.sent for r in self.records)

    @property
    def failures(self) -> list[Record]:
        """The requests without a good reply: an error, or a status of 400 or more."""
        return [record for record in self.records if not record.ok]

    @property
    def latencies(self) -> list[float]:
        """Seconds, of the answered requests, in the order of sending."""
        return [record.latency for record in self.records if record.ok]

    @property
    def by_worker(self) -> dict[int, int]:
        """The number of requests that reached each worker, by pid, most first."""
        return dict(Counter(r.worker for r in self.records if r.worker is not None).most_common())

    @property
    def peak_overlap(self) -> int:
        """The largest number of handlers that were running at one moment."""
        return peak_overlap([(r.began, r.ended or r.received) for r in self.records if r.began])

    @property
    def client_cpu_share(self) -> float:
        """The client's own use of the CPU, in cores. Near 1.0, it is what limits a throughput."""
        return self.client_cpu / self.makespan if self.makespan else 0.0

    @property
    def throughput(self) -> float:
        """Good replies per second."""
        return len(self.latencies) / self.makespan if self.makespan else 0.0

    def only(self, path: str) -> Run:
        """The part of the run which asked for URLs with this path, as `/health`."""
        chosen = [r for r in self.records if r.url.split("?")[0].endswith(path)]
        return Run(chosen, self.client_cpu, notes=self.notes)

    def timeline(self, title: str = "") -> Timeline:
        """The picture: time to the right, a lane per worker, a bar per request."""
        from workerlab.pictures.timeline import Timeline

        return Timeline(self, title)


def peak_overlap(intervals: list[tuple[float, float]]) -> int:
    """The largest number of intervals (begin, end) that hold one moment in common.

    One that ends exactly when the next begins does not overlap it.
    """
    edges = sorted([(begin, 1) for begin, _ in intervals] + [(end, -1) for _, end in intervals])
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
