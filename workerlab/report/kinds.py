"""What one endpoint does with its worker, from what the watch saw of requests that were alone.

Seconds throughout. The thresholds were tuned on nineteen kinds of handler on 2 cores, idle and
beside two busy loops.
"""

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

FLOOR = 0.015  # shorter than this, the watch cannot tell anything apart
WATCHING = 0.05  # of a time in which the loop is free: what ticks and pings take of its CPU
SHARE = 0.2  # of a time: what of it must be CPU for it to be called computing

SHORT = "answers at once"
AWAITS = "awaits"
BLOCKS = "blocks the loop"
COMPUTES = "computes on the loop"
THREAD = "waits in a thread"
COMPUTES_IN_THREAD = "computes in a thread"
GIL = "keeps the GIL in a thread"
UNKNOWN = "could not tell"
# By weight: what costs the other requests of its worker most comes first.
KINDS = (BLOCKS, COMPUTES, GIL, COMPUTES_IN_THREAD, THREAD, AWAITS, SHORT, UNKNOWN)
HOLDS_UP = (BLOCKS, COMPUTES, GIL)

MEDIANS = (
    "wall",
    "gap",
    "on_loop",
    "in_threads",
    "loop_cpu",
    "cpu",
    "waited",
    "others_waited",
    "samples",
)


@dataclass
class Kind:
    """What an endpoint does, the heaviest first, with its figures and the line that does it.

    `held_up` is for how long at once the event loop could do nothing else.
    """

    names: list[str]
    wall: float = 0.0
    held_up: float = 0.0
    cpu: float = 0.0
    line: str = ""
    reason: str = ""  # of `could not tell`
    requests: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def holds_up(self) -> bool:
        return any(name in HOLDS_UP for name in self.names)


def kind_of(notes: list[dict[str, Any]]) -> Kind:
    """The kind of an endpoint from the watch's notes of some requests to it."""
    if not notes:
        return Kind([UNKNOWN], reason="the watch noted none of its requests")
    if not all(note["sampler_lives"] for note in notes):
        return Kind([UNKNOWN], reason="the watch's own thread ended in its worker")
    middle = {name: statistics.median([note[name] or 0.0 for note in notes]) for name in MEDIANS}
    found = names_of(middle)
    singles = Counter(names_of(note)[0] for note in notes)
    kind = Kind(found, middle["wall"], middle["gap"], middle["cpu"], requests=len(notes))
    short_of_cores = middle["waited"] > max(2 * FLOOR, 0.5 * middle["wall"])
    if short_of_cores and not kind.holds_up and kind.name != COMPUTES_IN_THREAD:
        kind.names = [UNKNOWN]
        kind.reason = "for most of the time its worker waited for a core: the machine is busy"
    elif singles[found[0]] * 2 <= len(notes):
        kind.names = [UNKNOWN]
        said = ", ".join(f"{name} ({count})" for name, count in singles.most_common())
        kind.reason = f"its requests differed: {said}"
    else:
        kind.line = line_of(notes, found)
    return kind


def names_of(seen: dict[str, Any]) -> list[str]:
    """What one request did, the heaviest first.

    What its threads waited for a core is taken out: beside busy programs, what computes mostly
    waits for its turn.
    """
    wall, gap, on_loop, in_threads = (
        seen[name] for name in ("wall", "gap", "on_loop", "in_threads")
    )
    cpu, waited, others_waited = seen["loop_cpu"], seen["waited"] or 0.0, seen["others_waited"]
    other_cpu = max(0.0, seen["cpu"] - cpu)
    if gap >= 2 * FLOOR and cpu >= max(FLOOR, SHARE * (gap - waited)):
        on_loop = max(on_loop, gap)  # the watch's thread was shut out by the GIL
    cpu -= WATCHING * max(0.0, wall - on_loop)
    found = set()
    if on_loop >= FLOOR and (gap >= FLOOR or on_loop >= 0.1 * wall):
        if cpu >= max(FLOOR, SHARE * (on_loop - waited)):
            found.add(COMPUTES)
        if on_loop - cpu - waited >= max(FLOOR, SHARE * on_loop) and gap >= FLOOR:
            found.add(BLOCKS)
    elif gap >= max(2 * FLOOR, 0.5 * in_threads) and other_cpu >= SHARE * (gap - others_waited):
        found.add(GIL)
        in_threads = max(in_threads, gap)
    if in_threads >= FLOOR and GIL not in found:
        running = max(FLOOR, in_threads - others_waited)
        found.add(COMPUTES_IN_THREAD if other_cpu >= SHARE * running else THREAD)
    if wall - on_loop - in_threads >= max(FLOOR, 0.1 * wall):
        found.add(AWAITS)
    if not seen["samples"] and wall >= 2 * FLOOR and not found & {COMPUTES, GIL}:
        return [UNKNOWN]  # the watch's thread had no turn, so nothing is known of the others
    return [name for name in KINDS if name in found] or [SHORT]


def line_of(notes: list[dict[str, Any]], names: list[str]) -> str:
    """`FILE:LINE FUNCTION` where most of the time of the heaviest kind went; empty if unknown."""
    where = "loop" if names[0] in (BLOCKS, COMPUTES) else "threads"
    if names[0] in (AWAITS, SHORT):
        return ""
    total: Counter[str] = Counter()
    for note in notes:
        total.update(note["lines"][where])
    return total.most_common(1)[0][0] if total else ""
