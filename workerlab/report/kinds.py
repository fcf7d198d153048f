"""What one endpoint does with its worker, from what the watch saw of requests that were alone.

Seconds throughout. Each request is judged by itself, and says nothing where it was disturbed:
beside busy programs, a thread that could go on waits for a core, which the watch counts apart. The
requests that say something have to agree.
"""

import statistics
from collections import Counter
from dataclasses import dataclass
from typing import Any

FLOOR = 0.015  # shorter than this, nothing is told apart
PIECE = 0.01  # the shortest part of a blocked or computing loop that counts
SHARE = 0.2  # of a time: what of it must be CPU for it to be called computing
SHUT_OUT = 2 * FLOOR  # for which the loop had no turn though none of its own code ran: the GIL
# That time as a share of what other threads computed: plain Python gives the GIL up every 5 ms.
NOT_THE_GIL, THE_GIL = 0.25, 0.5
# Of the time for which the loop's thread had a core or wanted none: what it computes though it is
# never late for long. Less is what ticks and pings take, more a handler that computes in pieces.
SOME_PIECES, MANY_PIECES = 0.3, 0.5
RARE = 0.02  # of a request: a loop that stood or computed for less may have been disturbed once
AGREEING = 2  # requests of the same kind that decide, and two thirds of those that say something
LOOKED_AT = 0.25  # of a time: what the sampler must have seen of it for its line to be named

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

BUSY = "its worker waited for a core for too long: the machine is busy"
STOOD_STILL = "the event loop stood still, and what held it up was not seen"
PIECES = "it computes on the event loop in pieces too short to tell from the report's own"
ONCE = "its event loop was held up for a small part of a long request"
STRANGERS = "threads of the app's own work beside every request"


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

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def holds_up(self) -> bool:
        return any(name in HOLDS_UP for name in self.names)


class CannotTell(Exception):
    """Why one request says nothing of its endpoint."""


@dataclass
class Loop:
    """What the event loop's thread did in the gaps of one request, seconds.

    `stood` is the longest for which it neither computed nor ran any code, though it was its turn.
    """

    computed: float = 0.0
    blocked: float = 0.0
    stood: float = 0.0
    gaps: float = 0.0
    longest: float = 0.0


def kind_of(notes: list[dict[str, Any]]) -> Kind:
    """The kind of an endpoint from the watch's notes of some requests to it."""
    if not notes:
        return Kind([UNKNOWN], reason="the watch noted none of its requests")
    if not all(note["sampler_lives"] for note in notes):
        return Kind([UNKNOWN], reason="the watch's own thread ended in its worker")
    names: list[list[str]] = []
    telling: list[dict[str, Any]] = []
    reason = ""
    for note in notes:
        try:
            names.append(names_of(note))
            telling.append(note)
        except CannotTell as error:
            reason = str(error)
    firsts = Counter(found[0] for found in names)
    first, count = firsts.most_common(1)[0] if firsts else (UNKNOWN, 0)
    agreed = count >= min(AGREEING, len(notes)) and 3 * count >= 2 * len(names)
    if not agreed:
        if len(firsts) > 1:
            seen = ", ".join(f"{name} ({number})" for name, number in firsts.most_common())
            reason = f"its requests differed: {seen}"
        return figures(Kind([UNKNOWN], reason=reason), notes)
    same = [note for note, found in zip(telling, names, strict=True) if found[0] == first]
    often = Counter(name for found in names if found[0] == first for name in found)
    kind = Kind([name for name in KINDS if 2 * often[name] > count])
    kind.line = line_of(same, kind.name)
    return figures(kind, same)


def figures(kind: Kind, notes: list[dict[str, Any]]) -> Kind:
    """The kind with the medians of these requests."""
    kind.requests = len(notes)
    kind.wall = statistics.median(note["wall"] for note in notes)
    kind.held_up = statistics.median(loop_of(note).longest for note in notes)
    kind.cpu = statistics.median(cpu_of(note) for note in notes)
    return kind


def cpu_of(note: dict[str, Any]) -> float:
    """CPU seconds of the worker's threads for one request."""
    return note["loop_cpu"] + (note["others_cpu"] or 0.0)


def names_of(note: dict[str, Any]) -> list[str]:
    """What one request did, the heaviest first. Raises CannotTell."""
    loop = loop_of(note)
    wall, in_threads = note["wall"], note["in_threads"]
    others_cpu, others_waited = note["others_cpu"] or 0.0, note["others_waited"]
    found = set()
    if any(FLOOR <= seconds < RARE * wall for seconds in (loop.computed, loop.blocked)):
        raise CannotTell(ONCE)
    if loop.computed >= max(FLOOR, SHARE * loop.blocked):
        found.add(COMPUTES)
    elif note["loop_cpu"] >= FLOOR:
        share = note["loop_cpu"] / max(note["loop_cpu"], wall - note["loop_waited"])
        if SOME_PIECES < share < MANY_PIECES:
            raise CannotTell(PIECES)
        if share >= MANY_PIECES:
            found.add(COMPUTES)
    if loop.blocked >= max(FLOOR, SHARE * loop.computed):
        found.add(BLOCKS)
    if others_cpu >= max(FLOOR, SHARE * (in_threads - others_waited)):
        found.add(COMPUTES_IN_THREAD)
    elif in_threads - others_waited >= FLOOR and note["looks_in_threads"] > 1:
        found.add(THREAD)
    share = loop.stood / (others_cpu + others_waited + 1e-9)
    if COMPUTES_IN_THREAD in found and (
        (PIECE <= loop.stood < FLOOR and share >= THE_GIL)
        or (FLOOR <= loop.stood < SHUT_OUT and share >= NOT_THE_GIL)
    ):
        raise CannotTell(STOOD_STILL)
    if loop.stood >= SHUT_OUT:
        if COMPUTES_IN_THREAD not in found or NOT_THE_GIL < share < THE_GIL:
            raise CannotTell(STOOD_STILL)
        if share >= THE_GIL:
            found = found - {COMPUTES_IN_THREAD} | {GIL}
    if note["others_cpu"] is None and not found & {BLOCKS, COMPUTES} and wall >= FLOOR:
        raise CannotTell(STRANGERS)
    in_threads = max(in_threads, others_cpu)
    # The loop waits for a core outside its gaps, too: in pieces too short to be noted.
    in_short_gaps = max(0.0, note["loop_waited"] - sum(gap["waited"] for gap in note["gaps"]))
    rest = wall - loop.gaps - in_short_gaps - in_threads - others_waited
    if rest >= max(FLOOR, 0.1 * wall) and note["looks"] > 1:
        if not found and max(in_threads, others_waited) >= SHARE * wall:
            raise CannotTell(BUSY)
        found.add(AWAITS)
    if not found and wall >= FLOOR:
        raise CannotTell(BUSY)
    return [name for name in KINDS if name in found] or [SHORT]


def loop_of(note: dict[str, Any]) -> Loop:
    """What the event loop's thread did in the gaps of this request."""
    loop = Loop()
    others_compute = (note["others_cpu"] or 0.0) >= FLOOR
    for gap in note["gaps"]:
        loop.gaps += gap["seconds"]
        loop.longest = max(loop.longest, gap["seconds"])
        own = gap["seconds"] - gap["waited"]
        idle = own - gap["cpu"]
        if gap["cpu"] >= PIECE:
            loop.computed += gap["cpu"]
        if gap["cpu"] >= SHARE * own:
            # The sampler may have had the GIL, and no core. Where that is not known, it may have
            # been all of it.
            idle = idle - gap["sampler_waited"] if note["waits_known"] else 0.0
        if idle < PIECE:
            continue
        # A loop that waits for the GIL stands in its own code now and then: while others compute,
        # only a long time in it counts.
        enough = 0.9 if others_compute else 0.5
        if gap["looks"] and gap["on_loop"] >= enough * gap["looks"]:
            if not others_compute or (gap["looks"] > 2 and idle >= SHUT_OUT):
                loop.blocked += idle
        else:
            loop.stood = max(loop.stood, idle)
    return loop


def line_of(notes: list[dict[str, Any]], name: str) -> str:
    """`FILE:LINE FUNCTION` where most of the time of this kind went; empty if it was not seen.

    The function in which most of it went, and its line of most. While C code keeps the GIL the
    sampler sees nothing, and where it looks next says nothing of that code.
    """
    if name in (AWAITS, SHORT):
        return ""
    where = "loop" if name in (BLOCKS, COMPUTES) else "threads"
    lines: Counter[str] = Counter()
    functions: Counter[tuple[str, str]] = Counter()
    seconds = 0.0
    for note in notes:
        on_loop = loop_of(note).blocked if name == BLOCKS else note["loop_cpu"]
        in_threads = max(note["in_threads"], note["others_cpu"] or 0.0)
        seconds += on_loop if where == "loop" else in_threads
        lines.update(note["lines"][where])
    for line, weight in lines.items():
        functions[function_of(line)] += weight
    if not lines or sum(lines.values()) < LOOKED_AT * seconds:
        return ""
    function = functions.most_common(1)[0][0]
    return max((line for line in lines if function_of(line) == function), key=lines.__getitem__)


def traced_line(note: dict[str, Any]) -> str:
    """The same of a request that was traced: where C code kept the GIL."""
    lines = Counter(note["traced"])
    if not lines or sum(lines.values()) < 0.5 * cpu_of(note):
        return ""  # most of it was in no line of the app's own, such as encoding a reply
    return lines.most_common(1)[0][0]


def function_of(line: str) -> tuple[str, str]:
    """The file and the function of `FILE:LINE FUNCTION`."""
    place, _, function = line.rpartition(" ")
    return place.rpartition(":")[0], function
