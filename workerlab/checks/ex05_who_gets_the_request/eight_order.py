"""Exercise 05, task 2: the verdict from the order in which the eight requests came."""

import itertools

from workerlab.checks.ex05_who_gets_the_request.eight_app import AT_ONCE
from workerlab.checks.ex05_who_gets_the_request.eight_seen import Seen, Work
from workerlab.checks.verdicts import Verdict, could_not_check, wrong

FEWEST = 4  # under way at once, on four workers
# Two rounds which took as long as that are not a busy machine's doing.
SURELY = 3.1
# Seconds of requests that ran in two rounds of a second each, and not all at once.
TWO_ROUNDS = 1.75


def may_be_luck(seen: Seen) -> bool:
    """Whether it takes a look at one worker alone to know that the requests needed no luck."""
    return 1 < seen.most_in_a_worker < AT_ONCE and _sent_together(seen, _fresh(seen)) >= 2


def judge_luck(seen: Seen, details: dict[str, str]) -> Verdict | None:
    """The verdict on requests which were in time by chance; None if it was no chance.

    It is none if the handlers overlap in a worker, so do not block it, or if the requests came
    through connections that had their worker already.
    """
    if _sent_together(seen, _fresh(seen)) < 2:
        return None
    in_rounds = seen.together is not None and seen.together > TWO_ROUNDS
    if in_rounds or (seen.limit_inside or AT_ONCE) < AT_ONCE:
        return _limit_inside("Had one worker taken all, it would have been late.", details)
    if seen.overlap_in_a_worker:
        return None
    return _unpaced(seen, "This time no worker took more than two, and that was chance.", details)


def judge_order(seen: Seen, details: dict[str, str]) -> Verdict:
    """The verdict on requests which took longer than they may."""
    works = seen.works
    if sum(map(len, seen.workers)) == 1 and seen.at_once > 1:
        return wrong(
            "one-worker",
            "There is one worker, and its handler blocks.",
            "How many workers may you have, and how many does your command start?",
            **details,
        )
    if len(seen.workers) > 1 and len({work.url for work in works}) == 1:
        return wrong(
            "one-of-the-servers",
            "You started several servers, and all requests went to one of them.",
            "Who would share them out? What stands in `urls`?",
            **details,
        )
    if len({(work.url, work.connection) for work in works}) == 1:
        return wrong(
            "one-connection",
            "All requests went through one connection, so to one worker.",
            "A worker accepts connections. How many does your session make, and why no more?",
            **details,
        )
    if seen.at_once == 1:
        return wrong(
            "one-by-one",
            "Each request waited for the reply to the one before.",
            "Must the reply be there before the next is sent, or only the handler have begun?",
            **details,
        )
    if seen.at_once < FEWEST:
        return wrong(
            "too-few-at-once",
            f"At most {seen.at_once} requests were under way at once, and there are four workers.",
            "How many must be under way so that no worker is idle?",
            **details,
        )
    if seen.overlap_in_a_worker and seen.waits_in_the_handler:
        return _limit_inside("The others were idle.", details)
    if _sent_together(seen, seen.works):
        return _unpaced(
            seen,
            "One worker took several of them, and others were idle. (It is chance; the check lets "
            "that happen which may happen.)",
            details,
        )
    if seen.longest_row > 2:
        return wrong(
            "queue-behind-the-busy",
            "Several requests waited while all workers were busy, and the first worker that "
            "became free took them all.",
            "How many requests may wait when a worker becomes free, so that it takes one?",
            **details,
        )
    if seen.took < SURELY * seen.one:
        return could_not_check(
            "two rounds on each worker, but late: the machine is busy, or your pauses are long; "
            "run it again"
        )
    return wrong(
        "too-far-apart",
        "No worker had more than two of them one after the other, but they came late.",
        "How long are workers idle because your client pauses?",
        **details,
    )


def _limit_inside(what_happened: str, details: dict[str, str]) -> Verdict:
    return wrong(
        "limit-in-the-handler",
        f"A worker took several of them and let only a few run at once. {what_happened}",
        "Does a limit inside a worker make it give back what it has accepted?",
        **details,
    )


def _unpaced(seen: Seen, what_happened: str, details: dict[str, str]) -> Verdict:
    if seen.at_once == FEWEST:
        return wrong(
            "four-at-once-unpaced",
            f"Four requests were sent together. {what_happened}",
            "Which of four idle workers takes the second request, if the first has not begun?",
            **details,
        )
    return wrong(
        "all-at-once",
        f"The requests were sent together. {what_happened}",
        "What keeps a worker from accepting a connection, and from when on?",
        **details,
    )


def _fresh(seen: Seen) -> list[Work]:
    return [work for work in seen.works if work.is_first]


def _sent_together(seen: Seen, works: list[Work]) -> int:
    """How many of a server's first four were sent before the one before them had begun."""
    together = [0]
    for url, workers in enumerate(seen.workers):
        first = [work for work in works if work.url == url][:FEWEST]
        if len(workers) > 1:
            pairs = itertools.pairwise(first)
            together.append(sum(later.arrived < earlier.reached for earlier, later in pairs))
    return max(together)
