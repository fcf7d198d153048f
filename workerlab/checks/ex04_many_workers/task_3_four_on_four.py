"""Exercise 04, task 3: four requests that four workers serve."""

import itertools
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workerlab.checks.blocking_app import NOTES
from workerlab.checks.calling import did_not_return, no_function
from workerlab.checks.command import launched
from workerlab.checks.exercise import name_of
from workerlab.checks.fresh_process import call_each
from workerlab.checks.recording_proxy import Arrival, front
from workerlab.checks.verdicts import Verdict, right, wrong
from workerlab.records import peak_overlap

COMMAND = (
    "gunicorn workerlab.checks.blocking_app:app --preload --workers 4"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
EXPECTED = "4 requests, 4 workers, 4 handlers under way at once"


@dataclass
class Seen:
    """What the door and the workers saw of one request."""

    arrival: Arrival
    pid: int
    began: float
    ended: float


def judge_four(function: Any) -> Verdict:
    """Call the function once and judge by what the door and the workers saw.

    Once is enough. Whether the requests waited for one another is seen at the door, so a lucky
    run of requests that are sent all at once does not pass; and requests which do wait cannot
    come to the same worker, because a worker that blocks accepts none.
    """
    if verdict := no_function(function):
        return verdict
    with (
        tempfile.TemporaryDirectory(prefix="workerlab-") as folder,
        launched(COMMAND, env={NOTES: folder}) as server,
        front(server.port) as door,
    ):
        result = call_each(
            function,
            [[f"{door.url}/slow?seconds=1"]],
            first="from workerlab.checks.blocking_app import report_to_me; report_to_me()",
            env={NOTES: folder},
        )
        arrivals = list(door.arrivals)
        seen = _join(arrivals, Path(folder, "handlers"))
    ran = f"{name_of(function)}(url)"
    if result.kind not in ("returned", "not json"):
        return did_not_return(result, ran)
    pids = {one.pid for one in seen}
    peak = peak_overlap([(one.began, one.ended) for one in seen])
    details = {
        "ran": ran,
        "came_back": f"{len(arrivals)} requests, {len(pids)} workers, {peak} handlers at once",
        "expected": EXPECTED,
    }
    verdict = _requests(arrivals, seen, details)
    verdict = verdict or _order(seen, peak, details)
    value = result.value[0] if result.kind == "returned" else result.value
    details["came_back"] += f", and {value!r}"[:300]
    verdict = verdict or _value(result.kind, value, result.pid, seen, details)
    return verdict or right(
        "four workers had one of your requests each, all at the same time.",
        ran,
        details["came_back"],
    )


def _join(arrivals: list[Arrival], notes: Path) -> list[Seen]:
    """The requests which reached a worker, in the order of their arrival at the door."""
    moments: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for line in notes.read_text().splitlines() if notes.exists() else []:
        moment, port, pid, when = line.split()
        moments.setdefault((moment, int(port)), []).append((int(pid), float(when)))
    seen = []
    for arrival in sorted(arrivals, key=lambda arrival: arrival.arrived):
        # Several requests of one connection come one after the other.
        if began := moments.get(("began", arrival.port)):
            pid, when = began.pop(0)
            ended = moments.get(("ended", arrival.port))
            seen.append(Seen(arrival, pid, when, ended.pop(0)[1] if ended else time.monotonic()))
    return seen


def _requests(arrivals: list[Arrival], seen: list[Seen], details: dict[str, str]) -> Verdict | None:
    if not arrivals:
        return wrong(
            "no-request",
            "No request came to the server.",
            "Which line of your function sends one? Does anything wait for it?",
            **details,
        )
    if any(arrival.answered is None for arrival in arrivals):
        return wrong(
            "not-waited-for",
            "Your function was back before the replies were there.",
            "What waits for a task that has been created?",
            **details,
        )
    if len(seen) < len(arrivals):
        return wrong(
            "another-url",
            "Not all of the requests asked for the url that was given.",
            "What do you do to the url before you send?",
            **details,
        )
    if len(arrivals) < 4:
        return wrong(
            "fewer-than-four",
            f"Your function sent {len(arrivals)} of four requests.",
            "How many times does your loop go round?",
            **details,
        )
    if len(arrivals) > 4:
        return wrong(
            "more-than-four",
            f"Your function sent {len(arrivals)} requests, and four were to be enough.",
            "Do you need to try again, if the second is sent once the first holds its worker?",
            **details,
        )
    if len({arrival.connection for arrival in arrivals}) == 1:
        return wrong(
            "one-connection",
            "All four requests went through one connection, so to one worker.",
            "A worker accepts connections. How many does your session make, and why no more?",
            **details,
        )
    return None


def _order(seen: list[Seen], peak: int, details: dict[str, str]) -> Verdict | None:
    pairs = list(itertools.pairwise(seen))
    if all(later.arrival.arrived >= earlier.ended for earlier, later in pairs):
        return wrong(
            "one-by-one",
            "Each request waited for the reply to the one before.",
            "Must the reply be there before the next is sent, or only the handler have begun?",
            **details,
        )
    first = seen[0]
    if all(one.arrival.arrived < first.began for one in seen):
        return wrong(
            "all-at-once",
            "All four were sent before the first had begun. Then it is chance which worker "
            "takes how many of them.",
            "What keeps a worker from accepting a second connection, and from when on?",
            **details,
        )
    if any(later.arrival.arrived < earlier.began for earlier, later in pairs):
        return wrong(
            "some-at-once",
            "Some were sent before the one before them had begun.",
            "Does each of your requests wait until the one before holds its worker?",
            **details,
        )
    if peak < 4:
        return wrong(
            "too-far-apart",
            f"At most {peak} of four handlers were under way at once.",
            "How long does a handler take, and how long after the first do you send the fourth?",
            **details,
        )
    return None


def _value(
    kind: str, value: Any, own: int, seen: list[Seen], details: dict[str, str]
) -> Verdict | None:
    pids = sorted(one.pid for one in seen)
    if value is None:
        return wrong(
            "nothing-returned",
            "The requests were right, and your function returns nothing.",
            "Which line hands the value back?",
            **details,
        )
    if kind == "not json" or not isinstance(value, list):
        return wrong(
            "not-a-list",
            "The requests were right, and what came back is no list of pids.",
            "What does the caller want to know: the whole run, or four numbers?",
            **details,
        )
    if any(isinstance(part, dict | list) for part in value):
        return wrong(
            "replies-not-pids",
            "The requests were right, and your function returns whole replies.",
            "Which field of a reply is the pid?",
            **details,
        )
    if any(isinstance(part, str) for part in value):
        is_pids = sorted(value) == sorted(map(str, pids))
        return wrong(
            "text-not-number" if is_pids else "replies-not-pids",
            "The requests were right, and your function returns texts.",
            "What does int() do?" if is_pids else "How does a text become JSON?",
            **details,
        )
    if own in value:
        return wrong(
            "own-process",
            "This is the pid of the process that asks, not of those which answer.",
            "In which process does os.getpid() run when you call it here?",
            **details,
        )
    if value and all(isinstance(part, int) for part in value) and sorted(value) == pids:
        return None
    if value and set(map(repr, value)) < set(map(repr, pids)):
        return wrong(
            "not-all-returned",
            "The requests were right, and not all four pids came back.",
            "What does your function collect, and what does it return?",
            **details,
        )
    return wrong(
        "other-numbers",
        "The requests were right, and these are not the pids of the workers which served them.",
        "Which field of a reply did you read?",
        **details,
    )
