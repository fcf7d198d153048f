"""Findings: what was done, what was seen, what to do; those about endpoints are made here.

An experiment of `workerlab.report.experiments` makes its own.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workerlab.report import kinds
from workerlab.report.kinds import Kind
from workerlab.report.trying import Tried

LIBRARY = re.compile(r"^.*/(?:site-packages|dist-packages|lib/python3\.\d+)/")
Weight = Literal["serious", "worth knowing", "fine"]
WEIGHTS: list[Weight] = ["serious", "worth knowing", "fine"]
SERIOUS_GAP = 0.05  # seconds at once in which a worker's other requests get no turn


@dataclass
class Bar:
    """One bar of a picture."""

    label: str
    value: float
    text: str
    is_bad: bool = False


@dataclass
class Finding:
    """One thing that was found. `lesson` is the number of the lesson that explains it.

    `figures` are for the JSON, in seconds, bytes or requests as their names say.
    """

    key: str
    weight: Weight
    title: str
    done: str
    seen: str
    do: str
    lesson: str
    bars: list[Bar] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass
class Advice:
    """What is said of all endpoints of a kind; `{}` in the title is how many there are."""

    one: str
    many: str
    means: str
    do: str
    lesson: str


ADVICE = {
    kinds.BLOCKS: Advice(
        "One endpoint blocks the event loop",
        "{} endpoints block the event loop",
        "While one of them waits, its worker answers nobody else.",
        "Await instead: an async client for the database or the service, `asyncio.sleep` instead "
        "of `time.sleep`. Where there is none, write the handler as plain `def`: FastAPI then "
        "runs it in the thread pool.",
        "02",
    ),
    kinds.COMPUTES: Advice(
        "One endpoint computes on the event loop",
        "{} endpoints compute on the event loop",
        "While one of them computes, its worker answers nobody else. Encoding a large reply "
        "counts too, and happens on the loop even for a plain `def`.",
        "Make it shorter: pages instead of whole tables, a cache, a faster encoder. What has to "
        "be computed belongs in a process of its own; more workers help as far as there are "
        "cores.",
        "02",
    ),
    kinds.GIL: Advice(
        "One endpoint keeps the GIL in a thread",
        "{} endpoints keep the GIL in a thread",
        "It runs in the thread pool, but in code that doesn't let other threads have their turn, "
        "such as one long regular expression. The event loop stands still all the same.",
        "Bound its input, or run it in a process (`concurrent.futures.ProcessPoolExecutor`).",
        "03",
    ),
    kinds.COMPUTES_IN_THREAD: Advice(
        "One endpoint computes in a thread",
        "{} endpoints compute in a thread",
        "The event loop stays free, but all threads of a worker together have one core.",
        "Several at once take several times as long. Count on one core a worker, and choose the "
        "number of workers for it.",
        "07",
    ),
    kinds.THREAD: Advice(
        "One endpoint waits in the thread pool",
        "{} endpoints wait in the thread pool",
        "The event loop stays free. The pool has 40 threads in each worker, unless the app "
        "changes that; the next request waits for one.",
        "Fine as long as fewer than 40 run at once in a worker. Slow calls among them may take "
        "all the threads from the quick ones.",
        "03",
    ),
    kinds.AWAITS: Advice(
        "One endpoint awaits",
        "{} endpoints await",
        "While they wait, their worker answers others.",
        "Nothing: this is how it should be.",
        "01",
    ),
    kinds.UNKNOWN: Advice(
        "About one endpoint the report could not tell",
        "About {} endpoints the report could not tell",
        "",
        "Run the report again when the machine has less to do.",
        "02",
    ),
}


def milliseconds(seconds: float) -> str:
    """Rounded as it can be measured: `3 ms`, `0.32 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def short_place(line: str, folder: Path) -> str:
    """A file of the reader's from their folder, one of a library from its package."""
    inside = LIBRARY.sub("", line)
    if inside != line:
        return inside
    prefix = f"{os.path.realpath(folder)}{os.sep}"
    return line.removeprefix(prefix).removeprefix(f"{os.path.abspath(folder)}{os.sep}")


def place_of(tried: Tried, folder: Path) -> str:
    """The reader's line that does it where it is known; else where the handler begins."""
    line, _, function = (tried.kind.line if tried.kind else "").rpartition(" ")
    own = f"{short_place(line, folder)} in {function}" if line else ""
    if tried.handler and (not line or is_library(line)):
        begins = f"{short_place(tried.handler['file'], folder)}:{tried.handler['line']}"
        # The pool calls what it was given by itself: its own line says nothing.
        return begins if not own or own.startswith("anyio/") else f"{begins}, in {own}"
    return own


def is_library(line: str) -> bool:
    return LIBRARY.search(line) is not None


def of_endpoints(tried: list[Tried], folder: Path) -> list[Finding]:
    """A finding for each kind that occurs, and one for endpoints that fail."""
    found = []
    for name, advice in ADVICE.items():
        those = [one for one in tried if one.kind is not None and one.kind.name == name]
        if those:
            found.append(of_kind(name, advice, those, folder))
    failed = [one for one in tried if (one.status or 0) >= 500]
    if failed:
        names = ", ".join(f"{one.endpoint.name} ({one.status})" for one in failed)
        guessed = (
            " Some values in their paths were made up."
            if any(one.endpoint.is_guess for one in failed)
            else ""
        )
        found.append(
            Finding(
                "failing",
                "worth knowing",
                f"{len(failed)} of the endpoints failed when they were asked",
                "One GET to each, alone.",
                f"{names}.{guessed}",
                "The app's own log says why. With --path and --header you can ask as your users "
                "do.",
                "08",
            )
        )
    return found


def of_kind(name: str, advice: Advice, those: list[Tried], folder: Path) -> Finding:
    held = [one.kind.held_up for one in those]
    weight: Weight = "fine"
    if name in kinds.HOLDS_UP:
        weight = "serious" if max(held) >= SERIOUS_GAP else "worth knowing"
    elif name in (kinds.COMPUTES_IN_THREAD, kinds.UNKNOWN):
        weight = "worth knowing"
    bars, lines = [], []
    for one in sorted(those, key=lambda one: -one.kind.wall):
        seconds = one.kind.held_up if name in kinds.HOLDS_UP else one.kind.wall
        bars.append(Bar(one.endpoint.name, seconds, milliseconds(seconds), name in kinds.HOLDS_UP))
        lines.append(sentence(one, folder))
    shown = lines[:8] + ([f"And {len(lines) - 8} more."] if len(lines) > 8 else [])
    title = advice.one if len(those) == 1 else advice.many.format(len(those))
    requests = max(one.kind.requests for one in those)
    return Finding(
        name.replace(" ", "-"),
        weight,
        title,
        f"{'One request' if requests == 1 else f'Up to {requests} requests'} to each, one at a "
        "time and alone in one worker, with a tiny request (a ping) beside it every few "
        "milliseconds.",
        " ".join([*shown, advice.means]).strip(),
        advice.do,
        advice.lesson,
        bars[:12],
        {"endpoints": [one.endpoint.name for one in those]},
    )


def sentence(tried: Tried, folder: Path) -> str:
    """What was seen of one endpoint."""
    kind: Kind = tried.kind
    if kind.name == kinds.UNKNOWN:
        return f"{tried.endpoint.name}: {kind.reason}."
    where = place_of(tried, folder)
    at = f", at {where}" if where else ""
    text = f"{tried.endpoint.name} took {milliseconds(kind.wall)}"
    if kind.name in kinds.HOLDS_UP:
        text += f" and held everything else up for {milliseconds(kind.held_up)}"
        if tried.ping is not None:
            text += f" (the ping beside it took {milliseconds(tried.ping)})"
    if kind.name in (kinds.COMPUTES, kinds.COMPUTES_IN_THREAD, kinds.GIL):
        text += f", {milliseconds(kind.cpu)} of CPU time"
    also = [name for name in kind.names[1:] if name != kinds.SHORT]
    if also:
        text += f", and also {' and '.join(also)}"
    return f"{text}{at}."


def sort(findings: list[Finding]) -> list[Finding]:
    """The heaviest first."""
    return sorted(findings, key=lambda finding: WEIGHTS.index(finding.weight))


def verdict(findings: list[Finding], count: int) -> str:
    """The first line of the report."""
    serious = [finding for finding in findings if finding.weight == "serious"]
    if serious:
        rest = f", and {len(serious) - 1} more" if len(serious) > 1 else ""
        number = "One serious finding" if len(serious) == 1 else f"{len(serious)} serious findings"
        return f"{number}: {serious[0].title}{rest}."
    knowing = sum(finding.weight == "worth knowing" for finding in findings)
    endpoints = "the one endpoint" if count == 1 else f"{count} endpoints"
    also = f" {knowing} findings are worth knowing." if knowing > 1 else ""
    also = " One finding is worth knowing." if knowing == 1 else also
    return f"Nothing serious was found in {endpoints} that could be tried.{also}"
