"""Exercise 07, task 2: what limits the throughput of a sweep."""

from dataclasses import dataclass
from typing import Any

from workerlab.checks.calling import did_not_return, no_function
from workerlab.checks.ex07_how_many_workers.sweeps import HIDDEN, SHOWN, Situation, table
from workerlab.checks.exercise import name_of
from workerlab.checks.fresh_process import call_each
from workerlab.checks.runner import QUICK
from workerlab.checks.verdicts import Verdict, right, wrong

WORDS = ("cpu", "memory", "client", "waiting")

# By what limits the sweep, its trap, and what was said ("" for anything): the misconception.
MISTAKES: dict[tuple[str, str, str], tuple[str, str, str]] = {
    ("cpu", "", "memory"): (
        "memory-before-the-rest",
        "Your function says memory, though the throughput stood still while there was room.",
        "Would more memory have helped the last workers of this sweep?",
    ),
    ("memory", "", "cpu"): (
        "one-core-is-full",
        "Your function says cpu, and most of the cores' time is unused.",
        "How many cores are there, and how many of them do all workers together use?",
    ),
    ("memory", "", ""): (
        "growth-not-seen",
        "Each worker brought as much as the one before, and your function does not see it.",
        "What did the last worker add to the throughput? What keeps you from adding another?",
    ),
    ("waiting", "", "cpu"): (
        "flat-means-cpu",
        "Your function says cpu as soon as the throughput stands still.",
        "Which column tells whether the cores were busy?",
    ),
    ("client", "", "cpu"): (
        "client-taken-for-cpu",
        "Your function blames the server's cores, and it is the client that computes all the time.",
        "Which column tells whether the client could have sent more?",
    ),
    ("client", "", ""): (
        "client-not-seen",
        "Your function does not see that the client computes all the time.",
        "How much CPU can one client process use at most? What is then being measured?",
    ),
    ("waiting", "", ""): (
        "waiting-not-seen",
        "Nothing is used up here, and your function names something.",
        "Which columns are near their limit in this sweep?",
    ),
    ("cpu", "quota", ""): (
        "quota-overlooked",
        "Your function does not see that the workers use all of their part of a core.",
        "How many cores may they use here, and how many do they use?",
    ),
    ("cpu", "tight", "memory"): (
        "memory-though-flat",
        "Your function says memory where the throughput stood still long before.",
        "What would one more worker add, if there were memory for it?",
    ),
    ("client", "busy", "cpu"): (
        "larger-share-wins",
        "Your function compares the workers' CPU with the client's.",
        "How much could each of the two use at most?",
    ),
    ("memory", "busy", "cpu"): (
        "one-core-is-full",
        "Your function says cpu, and most of the cores' time is unused.",
        "How many cores are there, and how many of them do all workers together use?",
    ),
    ("memory", "early", ""): (
        "waits-for-the-last-megabyte",
        "One more worker does not fit, and your function still sees room.",
        "How much does one more worker cost, and how much is left?",
    ),
}
for _limit in ("client", "waiting"):
    MISTAKES[_limit, "tight", "memory"] = MISTAKES["cpu", "tight", "memory"]


@dataclass
class Answer:
    situation: Situation
    said: Any

    @property
    def is_right(self) -> bool:
        return self.said == self.situation.binding


def judge_binding(function: Any) -> Verdict:
    """Call the function with the sweeps that the reader has seen, and with others."""
    if verdict := no_function(function):
        return verdict
    situations = [*SHOWN.values(), *HIDDEN]
    calls = [[one.sweep(), one.cores, one.memory_mb] for one in situations]
    result = call_each(function, calls, limit=QUICK)
    call = f"{name_of(function)}(sweep, cores, memory_mb)"
    if result.kind not in ("returned", "not json"):
        return did_not_return(result, call)
    said = result.value if result.kind == "returned" else [result.value] * len(calls)
    for situation, word in zip(situations, said, strict=True):
        verdict = _no_word(word, _details(Answer(situation, word), call))
        if verdict is not None:
            return verdict
    answers = [Answer(*pair) for pair in zip(situations, map(_plain, said), strict=True)]
    if all(answer.is_right for answer in answers):
        names = f"{call}, for the {len(SHOWN)} sweeps above and {len(HIDDEN)} others"
        return right("your function names what limits each of them.", names)
    return _what_is_wrong(answers, call)


def _plain(word: str) -> str:
    return word.strip().lower()


def _details(answer: Answer, call: str) -> dict[str, str]:
    one = answer.situation
    names = [name for name, shown in SHOWN.items() if shown == one]
    where = f"sweep {names[0]}" if names else "another sweep"
    return {
        "ran": f"{call}\n{where}: cores={one.cores:g}, memory_mb={one.memory_mb}\n"
        f"{table(one.sweep())}",
        "came_back": repr(answer.said)[:200],
        "expected": repr(one.binding),
    }


def _no_word(word: Any, details: dict[str, str]) -> Verdict | None:
    details = {**details, "expected": " or ".join(map(repr, WORDS))}
    if word is None:
        return wrong(
            "nothing-returned",
            "Your function returns nothing for this sweep.",
            "Which of your conditions is true for it, and what if none is?",
            **details,
        )
    if isinstance(word, list) and any(part in WORDS for part in word):
        return wrong(
            "more-than-one",
            "Your function returns a collection, and one of the four words is asked for.",
            "Which of them would you have to change first to get a higher throughput?",
            **details,
        )
    if not isinstance(word, str) or _plain(word) not in WORDS:
        return wrong(
            "other-words",
            "Your function returns something else than one of the four words.",
            "Which words does the task ask for?",
            **details,
        )
    return None


def _what_is_wrong(answers: list[Answer], call: str) -> Verdict:
    if len({answer.said for answer in answers}) == 1:
        return wrong(
            "always-the-same",
            "Your function says the same of every sweep.",
            "Which columns does your answer come from?",
            **_details(next(answer for answer in answers if not answer.is_right), call),
        )
    plain = [answer for answer in answers[len(SHOWN) :] if not answer.situation.trap]
    missed = [answer for answer in plain if not answer.is_right]
    if all(answer.is_right for answer in answers[: len(SHOWN)]) and len(missed) * 2 >= len(plain):
        return wrong(
            "only-the-sweeps-shown",
            "Your function knows the four sweeps above and no others of the same kind.",
            "Which of your conditions would hold for a server with other figures?",
            **_details(missed[0], call),
        )
    if verdict := _cores_not_seen(answers, call):
        return verdict
    for (limit, trap, said), (misconception, sentence, question) in MISTAKES.items():
        for answer in answers:
            one = answer.situation
            if answer.is_right or (one.binding, one.trap) != (limit, trap):
                continue
            if said in ("", answer.said):
                return wrong(misconception, sentence, question, **_details(answer, call))
    return wrong(
        "another-reading",
        "Your function reads this sweep in another way.",
        "Which columns are near their limit, and did the last worker still add something?",
        **_details(next(answer for answer in answers if not answer.is_right), call),
    )


def _cores_not_seen(answers: list[Answer], call: str) -> Verdict | None:
    """The verdict on a function which sees no full cores, where there are several of them."""
    cpu = [answer for answer in answers if answer.situation.binding == "cpu"]
    several = [answer for answer in cpu if answer.situation.cores >= 2]
    parts = [answer for answer in cpu if answer.situation.cores < 1]
    if any(answer.said in ("cpu", "memory") for answer in several):
        return None
    if all(answer.is_right for answer in parts):
        return wrong(
            "first-row-only",
            "Your function does not see that the cores are full where there are many workers.",
            "Which row tells what limits a server that one worker does not fill?",
            **_details(several[0], call),
        )
    return wrong(
        "never-quite-full",
        "Your function does not see that the cores are full.",
        "Does a share of 0.97 leave room for more? From where on does the task call a core full?",
        **_details(several[0], call),
    )
