"""Exercise 04, task 3: four requests that four workers serve at the same time.

Requests that wait for the handler before them to begin cannot meet in a worker, because a worker
that blocks accepts none. So the order decides, and one call is enough: each request must arrive
after the handler before it has begun, and the last before the first handler has ended.
"""

from collections import defaultdict
from itertools import pairwise
from typing import Any

from workerlab.checks.answer import name_of
from workerlab.checks.ex04_many_workers.task_2_master_and_workers import COMMAND, are_pids
from workerlab.checks.function import Part, did_not_return, refuse_form, refuse_no_function
from workerlab.checks.observer import observed
from workerlab.checks.recording_proxy import Arrival, recorded
from workerlab.checks.runner import call_in_subprocess
from workerlab.checks.verdicts import Verdict, could_not_check, right, too_busy, wrong
from workerlab.records import Record, Run

HINTS = [
    "A worker that blocks accepts nothing. So when is it safe to send the next request?",
    "The previous request doesn't need its reply yet, but its handler must have begun. How long "
    "does a handler take, and how soon does it begin?",
    "Start a task for each request with asyncio.create_task, and sleep for 0.2 s between two of "
    "them. At the end, await asyncio.gather(*tasks).",
]
COUNT = 4
SECONDS = 1.0  # for which a handler blocks
LIMIT = 6.0  # seconds for the call
# Seconds between two requests that nothing keeps apart but the time that sending takes.
TOGETHER = 0.02
CALM = 0.05  # seconds; where nothing waits longer for its turn, the machine is not busy
PIDS = Part(lambda url: [], are_pids, "the list of the four pids, as numbers", "other-pids")


def check(function: Any) -> Verdict:
    """Call the function once, for an observed server with a recording proxy in front of it."""
    refuse_no_function(function)
    command, ran = COMMAND.replace("{count}", str(COUNT)), f"{name_of(function)}(url)"
    with observed(command) as seen, recorded(seen.server.port, most=COUNT) as proxy:
        url = f"{proxy.url}/slow?seconds={SECONDS:g}"
        result = call_in_subprocess(function, [[url]], limit=LIMIT, env=seen.caller_env)
        arrivals, records = proxy.arrivals[:], seen.run().records
    # Whoever sends more than four requests loses the connection, and may raise an exception then.
    has_returned = result.kind in ("returned", "not json")
    if not has_returned and len(arrivals) <= COUNT:
        return did_not_return(result, ran)
    first = _join(arrivals[:COUNT], records)
    run = Run([record for _, record in first if record is not None])
    details = {
        "ran": ran,
        "came_back": f"requests: {len(arrivals)}, workers: {len(run.by_worker)}, "
        f"handlers at once: {run.peak_overlap}",
        "expected": f"requests: {COUNT}, workers: {COUNT}, handlers at once: {COUNT}",
    }
    if has_returned and any(one.answered > result.until for one in arrivals):
        return wrong(
            "not-waited-for",
            "Your function returned before the replies had arrived.",
            "What waits for a task that has been created?",
            **details,
        )
    elsewhere = [record for record in run.records if not record.url.startswith("/slow")]
    if len(first) - len(elsewhere) < COUNT:
        return wrong(
            "fewer-than-four",
            "Fewer than four requests went to the url that your function was given.",
            "How often is the line that sends a request reached, and with which url?",
            **details,
        )
    if verdict := _judge_order(first, run.peak_overlap, proxy.late < CALM, details):
        return verdict
    if len(arrivals) > COUNT:
        return wrong(
            "more-than-four",
            "Your function sends more than four requests.",
            "If four were not enough, what was left to chance?",
            **details,
        )
    value = result.value[0]
    details["came_back"] += f", and {value!r:.300}"
    refuse_form(value, result.kind, [PIDS], {**details, "expected": PIDS.kind})
    if sorted(value) != sorted(run.by_worker):
        return wrong(
            PIDS.other,
            "The requests were right, but these are not the pids of the workers that served them.",
            "Which field of a reply did you read, and of how many replies?",
            **details,
        )
    return right(
        "each of the four workers had one of your requests, all at the same time.",
        ran,
        details["came_back"],
    )


def _join(arrivals: list[Arrival], records: list[Record]) -> list[tuple[Arrival, Record | None]]:
    """Each request as the proxy saw it, and as its worker did, if it came so far."""
    by_port = defaultdict(list)
    for record in records:
        by_port[int(record.id.partition(":")[0])].append(record)
    return [(one, by_port[one.port].pop(0) if by_port[one.port] else None) for one in arrivals]


def _judge_order(
    requests: list[tuple[Arrival, Record | None]], peak: int, is_calm: bool, details: dict[str, str]
) -> Verdict | None:
    """The verdict on requests that were not each sent while all before them were in progress.

    On a busy machine a pause can shrink to nothing, or grow; but not two of them, or all three.
    """
    pairs = list(pairwise(requests))
    if all(later.arrived >= earlier.answered for (earlier, _), (later, _) in pairs):
        return wrong(
            "one-by-one",
            "Each request waited for the reply to the one before.",
            "What has to happen before the next is sent: the reply, or only the handler's start?",
            **details,
        )
    missed = [
        later.arrived - earlier.arrived
        for (earlier, record), (later, _) in pairs
        if record is None or record.began is None or later.arrived < record.began
    ]
    together = sum(gap <= TOGETHER for gap in missed)
    if together > 1 or (together and is_calm):
        return wrong(
            "all-at-once",
            "Requests were sent together, before the first one's handler had begun. Then chance "
            "decides how many of them each worker takes.",
            "What keeps a worker from accepting a second connection, and from when on?",
            **details,
        )
    if missed:
        return could_not_check(
            "a request arrived before the handler of the one before had begun: your pauses are too "
            "short, or this machine is too busy; run the cell again, or make them longer"
        )
    if peak == COUNT:
        return None
    gaps = [later.arrived - earlier.arrived for (earlier, _), (later, _) in pairs]
    if not is_calm and min(gaps) < SECONDS / (COUNT - 1):
        return too_busy("the first handler had ended before the fourth request arrived")
    return wrong(
        "too-far-apart",
        "The first handler had ended before the fourth began.",
        "How long does a handler take, and how long after the first do you send the fourth?",
        **details,
    )
