"""Exercise 05, task 1: the shares and the seconds as they should be, and as they often come out."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

Shares = dict[str, float]
Mistakes = dict[str, tuple[Callable[["Case"], Any], str, str]]


@dataclass(frozen=True)
class Case:
    """A run: a record for each request, and the pids of all workers."""

    records: list[dict[str, Any]]
    workers: list[int]

    def __str__(self) -> str:
        rows = sorted(self.records, key=lambda r: (r["worker"], r["began"]))
        lines = [f"{r['worker']}: {r['began']:.3f} to {r['ended']:.3f}" for r in rows]
        return "\n".join([f"workers {sorted(self.workers)}", *lines])

    @property
    def counts(self) -> Counter[int]:
        return Counter(r["worker"] for r in self.records)

    @property
    def seconds(self) -> Counter[int]:
        """Of handlers, by worker."""
        of: Counter[int] = Counter()
        for record in self.records:
            of[record["worker"]] += record["ended"] - record["began"]
        return of

    @property
    def last_ends(self) -> dict[int, float]:
        ends: dict[int, float] = {}
        for record in self.records:
            ends[record["worker"]] = max(record["ended"], ends.get(record["worker"], 0.0))
        return ends

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    @property
    def even(self) -> float:
        """Seconds, had the handlers' seconds been spread evenly."""
        return self.total / len(self.workers)

    @property
    def first_begin(self) -> float:
        return min(r["began"] for r in self.records)

    @property
    def took(self) -> float:
        """Seconds from the first begin to the last end."""
        return max(r["ended"] for r in self.records) - self.first_begin


def shares(case: Case) -> Shares:
    return _each(case, lambda pid: case.counts[pid] / len(case.records))


def lost(case: Case) -> float:
    return case.took - case.even


def _each(case: Case, value: Callable[[int], float]) -> Shares:
    return {str(pid): value(pid) for pid in case.workers}


def _served(of: Shares) -> Shares:
    return {pid: share for pid, share in of.items() if share}


def _mean(values: Any) -> float:
    values = list(values)
    return sum(values) / len(values)


SHARES: Mistakes = {
    "idle-left-out": (
        lambda c: _served(shares(c)),
        "A worker that served none is missing.",
        "Where do you learn which workers there are: from the records?",
    ),
    "counts-not-shares": (
        lambda c: _each(c, lambda pid: c.counts[pid]),
        "These are numbers of requests and not shares of them.",
        "What is the sum of all shares?",
    ),
    "percentages": (
        lambda c: _each(c, lambda pid: 100 * c.counts[pid] / len(c.records)),
        "These are percentages.",
        "What is the sum of all shares to be: 1, or 100?",
    ),
    "share-of-the-seconds": (
        lambda c: _each(c, lambda pid: c.seconds[pid] / c.total),
        "These are shares of the handlers' seconds and not of the requests.",
        "Does a long handler count more than a short one, if you count requests?",
    ),
    "share-of-the-busiest": (
        lambda c: _each(c, lambda pid: c.counts[pid] / max(c.counts.values())),
        "The busiest worker has the share 1: you divide by its number of requests.",
        "Of what is it a share?",
    ),
    "times-the-even-share": (
        lambda c: _each(c, lambda pid: c.counts[pid] * len(c.workers) / len(c.records)),
        "A worker with exactly its even part has the share 1.",
        "Of what is it a share, and what is the sum of all?",
    ),
    "says-it-is-even": (
        lambda c: _each(c, lambda pid: 1 / len(c.workers)),
        "Your function gives the same share to every worker.",
        "Which of the records does a worker's share depend on?",
    ),
}

LOSSES: Mistakes = {
    "whole-time": (
        lambda c: c.took,
        "These are all the seconds from the first begin to the last end.",
        "Which part of them would have been needed in any case?",
    ),
    "even-time": (
        lambda c: c.even,
        "These are the seconds which an even spread would have taken.",
        "And how much longer did it take?",
    ),
    "the-wrong-sign": (
        lambda c: c.even - c.took,
        "The seconds are negative.",
        "Which is the later of the two ends: the real one, or the even one?",
    ),
    "clock-not-begin": (
        lambda c: c.took + c.first_begin - c.even,
        "Your function takes the last end as it stands on the clock.",
        "Does the clock start at 0 when the first handler begins?",
    ),
    "idle-worker-forgotten": (
        lambda c: c.took - c.total / len(c.counts),
        "Your function spreads the seconds over the workers that served something.",
        "How many workers were there to take them?",
    ),
    "not-spread": (
        lambda c: c.took - c.total,
        "Your function takes off the handlers' seconds as if one worker had to do them all.",
        "How many workers can work at the same time?",
    ),
    "sum-not-last": (
        lambda c: c.total - c.even,
        "Your function adds up the handlers' seconds, also of those side by side.",
        "When is the run over: after the sum of all, or when the last one ends?",
    ),
    "busiest-not-last": (
        lambda c: max(c.seconds.values()) - c.even,
        "Your function takes the seconds of the busiest worker for the time it all took.",
        "Is a worker which begins late done late, even if it has little to do?",
    ),
    "mean-of-the-busy": (
        lambda c: max(c.seconds.values()) - _mean(c.seconds.values()),
        "Your function compares the busiest worker with the mean of those that had work.",
        "What is it to be compared with: another worker, or an even spread over all?",
    ),
    "mean-of-the-ends": (
        lambda c: max(c.last_ends.values()) - _mean(c.last_ends.values()),
        "Your function compares the last worker's end with the mean worker's.",
        "If the work were spread evenly, would it end when the mean worker ended?",
    ),
    "first-done-to-last-done": (
        lambda c: max(c.last_ends.values()) - min(c.last_ends.values()),
        "These are the seconds between the first worker that was done and the last.",
        "If the work were spread evenly, would it end when the first worker was done?",
    ),
    "mean-of-the-handlers": (
        lambda c: c.took - c.total / len(c.records),
        "Your function takes off the mean length of one handler.",
        "Over what are the seconds to be spread: over requests, or over workers?",
    ),
    "all-that-was-idle": (
        lambda c: len(c.workers) * c.took - c.total,
        "Your function adds up the idle seconds of all the workers.",
        "If four workers are idle for one second, how much earlier could it have ended?",
    ),
    "ratio-not-seconds": (
        lambda c: c.took / c.even,
        "This is how many times as long it took, and not how many seconds longer.",
        "Which of the two is asked for, a quotient or a difference?",
    ),
    "order-of-the-list": (
        lambda c: c.records[-1]["ended"] - c.records[0]["began"] - c.even,
        "Your function takes the first and the last record as they stand in the list.",
        "Does the list say who began first and who ended last, or do the times?",
    ),
    "last-begin": (
        lambda c: max(r["began"] for r in c.records) - c.first_begin - c.even,
        "Your function looks at when the last handler began.",
        "When is the run over?",
    ),
    "whole-handlers": (
        lambda c: c.took - ceil(len(c.records) / len(c.workers)) * c.total / len(c.records),
        "Your function spreads whole requests, as if all handlers were of one length.",
        "What is to be spread evenly: the requests, or the handlers' seconds?",
    ),
}
