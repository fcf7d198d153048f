"""The figures of each request of a run, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workerlab.records import Record, Run

NOT_KNOWN = "-"


class Table:
    """A line for each request, in the order of sending; seconds, the first one was sent at 0.

    Waited: from sending until its handler began. Ran: until its handler ended. Workers are numbered
    in the order in which they began to handle requests, as in the timeline.
    """

    def __init__(self, run: Run) -> None:
        self.records = sorted(run.records, key=lambda record: record.sent)
        began = sorted((r for r in self.records if r.began is not None), key=lambda r: r.began or 0)
        pids = dict.fromkeys(record.worker for record in began if record.worker is not None)
        self._numbers = {pid: number for number, pid in enumerate(pids, start=1)}

    def __repr__(self) -> str:
        head = f"{'request':10}{'sent':>16}{'waited':>9}{'ran':>9}{'worker':>9}  status"
        return "\n".join([head, *map(self._line, range(len(self.records)))])

    def _line(self, index: int) -> str:
        record = self.records[index]
        sent = record.sent - self.records[0].sent
        waited = None if record.began is None else record.began - record.sent
        worker = self._numbers.get(record.worker, NOT_KNOWN)
        figures = f"{sent:6.3f}{_seconds(waited):>9}{_seconds(_ran(record)):>9}{worker:>9}"
        status = record.error or record.status or NOT_KNOWN
        return f"{index + 1:<10}measured: {figures}  {status}"


def _ran(record: Record) -> float | None:
    known = record.began is not None and record.ended is not None
    return record.ended - record.began if known else None


def _seconds(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{value:.3f}"
