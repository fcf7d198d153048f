"""Exercise 07, task 2: a function that says what keeps the throughput of a sweep from growing."""

from typing import Any, get_args

from workerlab.checks.answer import name_of
from workerlab.checks.ex07_how_many_workers.sweeps import HIDDEN, SHOWN, Bottleneck, table
from workerlab.checks.function import Part, refuse_form, returned_by
from workerlab.checks.runner import QUICK
from workerlab.checks.verdicts import Verdict, right, wrong

FORM = 2
HINTS = [
    "Three things can be used up, and each has a column. What is the limit of each column?",
    "In the last row: do the workers use 90 % of cores? Does the client use 90 % of its one core? "
    "If neither, did the last worker still add throughput? And would one more fit?",
    "Compare the workers' CPU with 0.9 x cores and the client's with 0.9. If throughput grew by "
    "10 %, add the last worker's memory once more: does it fit? Otherwise the handlers wait.",
]
WORDS = get_args(Bottleneck)
WORD = Part(str, lambda value: value in WORDS, f"one of the words {', '.join(WORDS)}", "")

# What limits the sweep and what the function said (empty for any word): the misconception, a
# sentence, a question. The first row that fits is told.
MISTAKES = [
    (
        (["unfinished"], ["memory"]),
        "memory-ignored",
        "Your function says memory, but one more worker would fit.",
        "How much memory would they use with one more worker, and how much may they use?",
    ),
    (
        (["memory"], ["unfinished"]),
        "room-overestimated",
        "Your function sees room for one more worker, but it would not fit.",
        "How much did the last worker add, and how much is left?",
    ),
    (
        (["memory", "unfinished"], ["cpu", "client"]),
        "one-core-is-full",
        "Your function says that a CPU is used up, but most of its time is idle.",
        "How many cores are there, and how many of them do all workers together use?",
    ),
    (
        (["memory", "unfinished"], []),
        "growth-not-seen",
        "Each worker added as much throughput as the one before, and your function missed that.",
        "What did the last worker add to the throughput?",
    ),
    (
        (["cpu", "client", "waiting"], ["memory"]),
        "memory-though-flat",
        "Your function says memory, but the throughput had stopped growing long before.",
        "What would one more worker add, if there were memory for it?",
    ),
    (
        (["waiting"], []),
        "flat-means-full",
        "The throughput has stopped growing, but nothing is used up here.",
        "Which columns are near their limit in this sweep?",
    ),
    (
        (["cpu", "client"], []),
        "full-core-not-seen",
        "A CPU is used up here, and your function missed that.",
        "How much CPU can all workers together use, and how much can one client process use?",
    ),
]


def check(answer: Any) -> Verdict:
    """Call the function with the sweeps that the reader has seen, and with others."""
    sweeps = [*SHOWN.items(), *(("another", one) for one in HIDDEN)]
    calls = [[one.sweep(), one.cores, one.memory_mb] for _, one in sweeps]
    call = f"{name_of(answer)}(sweep, cores, memory_mb)"
    result = returned_by(answer, calls, call, limit=QUICK)
    for (name, one), said in zip(sweeps, result.value, strict=True):
        details = {
            "ran": f"{call}\nsweep {name}: cores={one.cores:g}, memory_mb={one.memory_mb}\n"
            f"{table(one.sweep())}",
            "came_back": repr(said)[:200],
            "expected": repr(one.bottleneck),
        }
        refuse_form(said, result.kind, [WORD], details)
        for (limits, words), misconception, sentence, question in MISTAKES:
            if said != one.bottleneck and one.bottleneck in limits and said in (words or WORDS):
                return wrong(misconception, sentence, question, **details)
    return right("your function says what limits each sweep.", f"{call}, {len(sweeps)} times")
