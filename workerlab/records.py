"""What was measured: a record for every request, and a run of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from workerlab.pictures.timeline import Timeline
    from workerlab.reports import Moment
    from workerlab.table import Table

MOMENTS = ("reached", "began", "ended", "replied", "raised")
NOTHING = (None, None, None)
TIMED = {"began", "ended", "thread", "worker_pid"}  # in a timed reply of app.main
CURE = "start its server with Server(..., probe=True)"


class OneLine(Exception):
    """An error whose sentence says it all: a notebook shows it without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [f"{type(self).__name__}: {self}"]


class NotKnown(OneLine, ValueError):
    """A figure that nobody has measured."""


@dataclass
class Record:
    """One request. Times are `time.monotonic()` in seconds; None: it did not get that far.

    `sent` and `received` (the whole reply, or the failure) are the client's; the others come from
    inside the worker, in the order in which they are listed here: from its report or, if it makes
    none, from a timed reply.
    """

    id: str = ""
    url: str = ""
    method: str = "GET"
    sent: float = 0.0
    reached: float | None = None
    began: float | None = None
    ended: float | None = None
    received: float = 0.0
    status: int | None = None
    worker: int | None = None
    thread: str | None = None
    error: str | None = None
    reply: Any = None  # the parsed JSON, or a text; None for any other content
    due: float | None = None  # when the schedule of `steady` wanted it sent
    connection: int | None = None  # the number of the kept connection that carried it
    stopped: bool = False  # the client gave it up, as at an interrupt: nobody knows how it ended

    @property
    def server(self) -> str:
        """The address that it was sent to, as 127.0.0.1:8000."""
        return urlsplit(self.url).netloc

    @property
    def ok(self) -> bool:
        """Whether a whole reply with a status below 400 came."""
        return not (self.error or self.stopped) and self.status is not None and self.status < 400

    @property
    def failed(self) -> bool:
        """Whether it ended without a good reply, and not because the client gave it up."""
        return not (self.ok or self.stopped)

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
    client_cpu: float = 0.0  # seconds of CPU time that the client used
    rate: float | None = None  # requests per second asked for, of an open loop
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.records.sort(key=lambda record: record.sent)

    @classmethod
    def of_replies(cls, replies: list[dict[str, Any]]) -> Run:
        """A run from replies that were collected by hand.

        Each is a timed reply of app.main to which `sent` and `received` were added.
        Raises NotKnown if there are none.
        """
        if not replies:
            raise NotKnown("there are no replies, so there is nothing to measure")
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
        """Two runs that went on side by side, as one. The CPU time counted twice is the larger."""
        return Run(
            self.records + other.records,
            max(self.client_cpu, other.client_cpu),
            notes=self.notes + other.notes,
        )

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        if not self.records:
            return "\n".join(["0 requests", *self.notes])
        figures = [f"{self.makespan:.2f} s in all"]
        notes = self.notes
        if self._workers:
            figures.append(_count(len(self.by_worker), "worker"))
        if self._intervals:
            figures.append(f"{_count(self.peak_overlap, 'handler')} at once")
        if not self._was_answered:
            figures.append("none answered")
        elif not self._workers:
            figures.append("workers not known")
            notes = [*notes, f"This app does not report which worker did what: {CURE}."]
        figures.append(f"{len(self.failures)} failed")
        if stopped := sum(record.stopped for record in self.records):
            figures.append(f"{stopped} stopped")
        text = f"{_count(len(self), 'request')}; measured: {', '.join(figures)}"
        return "\n".join([text, *notes])

    @property
    def _was_answered(self) -> bool:
        return any(record.status is not None for record in self.records)

    @property
    def _workers(self) -> list[int]:
        """The worker of each request for which it is known."""
        return [record.worker for record in self.records if record.worker is not None]

    @property
    def _intervals(self) -> list[tuple[float, float]]:
        """When each handler ran, for those of which it is known."""
        known = [record for record in self.records if record.began is not None]
        return [(record.began, record.ended or record.received) for record in known]

    def _refuse(self, figure: str) -> NoReturn:
        """Say why a figure is not known. A zero instead would make false claims hold."""
        if not self.records:
            raise NotKnown(f"no request was sent, so {figure} is not known")
        if not self._was_answered:
            error = self.records[0].error
            raise NotKnown(f"no request was answered, so {figure} is not known: {error}")
        raise NotKnown(f"this app does not report, so {figure} is not known: {CURE}")

    @property
    def makespan(self) -> float:
        """Seconds from the first request sent to the last reply received, or failure.

        Raises NotKnown if no request was sent.
        """
        if not self.records:
            self._refuse("the makespan")
        return max(r.received for r in self.records) - min(r.sent for r in self.records)

    @property
    def failures(self) -> list[Record]:
        """The requests without a good reply: an error, or a status of 400 or more."""
        return [record for record in self.records if record.failed]

    @property
    def latencies(self) -> list[float]:
        """Seconds, of the requests with a good reply, in the order of sending.

        Raises NotKnown if no request was answered.
        """
        if not self._was_answered:
            self._refuse("their latency")
        return [record.latency for record in self.records if record.ok]

    @property
    def by_worker(self) -> dict[int, int]:
        """The number of requests that reached each worker, by pid, most first.

        Raises NotKnown if requests were sent and it is not known of any which worker it reached.
        """
        if self.records and not self._workers:
            self._refuse("which worker did what")
        return dict(Counter(self._workers).most_common())

    @property
    def peak_overlap(self) -> int:
        """The largest number of handlers that were running at one moment.

        Raises NotKnown if requests were sent and it is not known of any when its handler ran.
        """
        if self.records and not self._intervals:
            self._refuse("how many handlers ran at once")
        return peak_overlap(self._intervals)

    @property
    def client_cpu_share(self) -> float:
        """The client's own use of the CPU, in cores. Near 1.0, the client limits the throughput.

        Raises NotKnown if no request was answered.
        """
        if not self._was_answered:
            self._refuse("what limited the throughput")
        return self.client_cpu / self.makespan

    @property
    def throughput(self) -> float:
        """Good replies per second. Raises NotKnown if no request was answered."""
        if not self._was_answered:
            self._refuse("the throughput")
        return len(self.latencies) / self.makespan

    def only(self, path: str) -> Run:
        """The part of the run that asked for URLs with this path, as `/health`.

        Raises NotKnown if no request did.
        """
        chosen = [r for r in self.records if r.url.split("?")[0].endswith(path)]
        if not chosen:
            raise NotKnown(f"no request of this run asked for {path}")
        return Run(chosen, self.client_cpu, notes=self.notes)

    def timeline(
        self,
        title: str = "",
        workers: Iterable[int] = (),
        mark: tuple[float, str] | None = None,
    ) -> Timeline:
        """The picture: time to the right, a lane per worker, a bar per request.

        Each of `workers` (pids, as in `server.workers`) has a lane, even if it got no request.
        `mark` is a moment, in seconds after the first request was sent, and its text.
        """
        from workerlab.pictures.timeline import Timeline

        return Timeline(self, title, workers, mark)

    def table(self) -> Table:
        """The figures of each request: sent, waited, ran, its worker, its status."""
        from workerlab.table import Table

        return Table(self)


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
