"""The picture of a deploy: which version answered, and when nobody did."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from workerlab.pictures.palette import FAILED, FAINT, PLAIN, WAITING
from workerlab.pictures.style import Picture
from workerlab.records import NotKnown, Record, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANE = 0.3  # inches
HEADING = 0.36
ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}  # a mark may run through it


class Replies(Picture):
    """For each run a lane for each version, with a stroke for every reply.

    Pale: the longest time in which no reply came. A cross: a lost request, when its client knew.
    """

    def __init__(self, runs: Mapping[str, Run], title: str, marks: Mapping[str, float]) -> None:
        self.title = title
        self.start = min((r.sent for run in runs.values() for r in run.records), default=0.0)
        self.marks = {text: when - self.start for text, when in marks.items()}
        self.versions = {label: _by_version(run) for label, run in runs.items()}
        self.gaps = {label: _longest_gap(label, run) for label, run in runs.items()}
        self.lost = {label: [r.received for r in run.failures] for label, run in runs.items()}
        lanes = sum(max(len(versions), 1) for versions in self.versions.values())
        self.height = 1.0 + LANE * lanes + HEADING * len(runs)
        found = "; ".join(self._in_words(label) for label in runs)
        count = f"{len(runs)} server" if len(runs) == 1 else f"{len(runs)} servers"
        self.text = f"Replies of {count}; measured: {found}"

    def _in_words(self, label: str) -> str:
        counts = [f"{len(when)} of version {v}" for v, when in self.versions[label].items()]
        return f"{label}: {', '.join([*counts, self._figures(label)])}"

    def _figures(self, label: str) -> str:
        begin, end = self.gaps[label]
        return f"longest time without a reply {end - begin:.2f} s, {len(self.lost[label])} lost"

    def draw(self, figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_title(self.title)
        top, ticks, names = 0.0, [], []
        for label, versions in self.versions.items():
            axes.text(
                0, top + HEADING / 2, label, fontweight="bold", va="center",
                bbox=ON_WHITE,
            )  # fmt: skip
            axes.text(
                1, top + HEADING / 2, self._figures(label), color=FAINT, fontsize=9.5,
                ha="right", va="center", transform=axes.get_yaxis_transform(), bbox=ON_WHITE,
            )  # fmt: skip
            top += HEADING
            bottom = top + LANE * max(len(versions), 1)
            begin, end = (when - self.start for when in self.gaps[label])
            axes.fill_between([begin, end], top, bottom, color=WAITING, linewidth=0)
            for version, received in versions.items():
                middle = top + LANE / 2
                places = [when - self.start for when in received]
                axes.eventplot(
                    places, lineoffsets=middle, linelengths=0.7 * LANE, linewidths=1, color=PLAIN
                )
                ticks.append(middle)
                names.append(f"version {version}")
                top += LANE
            lost = [when - self.start for when in self.lost[label]]
            axes.plot(
                *(lost, [bottom] * len(lost), "x"),
                color=FAILED, markersize=8, markeredgewidth=2.5, clip_on=False,
            )  # fmt: skip
            top = bottom
        for text, when in self.marks.items():
            axes.axvline(when, color=FAINT, linestyle=":", linewidth=1.5, zorder=0)
            axes.text(when, top + 0.02, f" {text}", color=FAINT, fontsize=9.5, va="top")
        axes.set_yticks(ticks, names)
        axes.set_ylim(top + 0.24, 0)
        axes.set_xlim(left=0)
        axes.set_xlabel("seconds")


def _by_version(run: Run) -> dict[object, list[float]]:
    """When the replies of each version came, in the order of their first ones."""
    versions: dict[object, list[float]] = {}
    for record in _answered(run):
        versions.setdefault(record.reply["version"], []).append(record.received)
    return versions


def _longest_gap(label: str, run: Run) -> tuple[float, float]:
    """Between which two replies the most time passed."""
    received = [record.received for record in _answered(run)]
    if len(received) < 2:
        raise NotKnown(f"{label} has fewer than two replies, so there is no time between them")
    return max(pairwise(received), key=lambda two: two[1] - two[0])


def _answered(run: Run) -> list[Record]:
    return sorted((r for r in run.records if r.ok), key=lambda record: record.received)


def replies(
    runs: Mapping[str, Run], title: str = "", marks: Mapping[str, float] | None = None
) -> Replies:
    """When each version answered, for each of `runs`: label to run of replies with a `version`.

    `marks` are moments to show, on the monotonic clock: text to seconds.
    Raises NotKnown for a run with fewer than two replies.
    """
    return Replies(runs, title, marks or {})
