"""The checks of exercise 05: what an imbalance costs, eight on four, and four statements."""

from typing import Any

from workerlab.checks.ex05_who_gets_the_request.eight import judge_eight
from workerlab.checks.ex05_who_gets_the_request.task_1_imbalance import judge_imbalance
from workerlab.checks.ex05_who_gets_the_request.task_3_statements import judge_statements
from workerlab.checks.exercise import Exercise
from workerlab.checks.verdicts import Verdict

check = Exercise("05")


@check.task(
    1,
    hints=[
        "Which workers must have a share, even if no record names them? And when would the last "
        "handler have ended, if every worker had been given the same number of seconds?",
        "A share is a worker's number of records, divided by the number of all records. For the "
        "seconds you need three numbers: the first begin, the last end, and the sum of "
        "ended - began over all records.",
        "Start with dict.fromkeys(workers, 0) and count. The seconds lost are the last end, minus "
        "the first begin, minus the sum of the handlers' seconds divided by len(workers).",
    ],
)
def imbalance(function: Any) -> Verdict:
    return judge_imbalance(function)


@check.task(
    2,
    hints=[
        "What can a worker take into its queue that it should have left to an idle one? And what "
        "would have to be different, so that this does no harm?",
        "Three ways: the client sends the next request only when the one before has begun; or "
        "there are four servers of one worker each, and the client knows all four; or the handler "
        "no longer blocks. Which one needs the fewest lines?",
        'The kit can send upon beginnings: run = await burst(urls, 8, after="began"), and the '
        "replies are [record.reply for record in run.records].",
    ],
)
def eight_on_four(function: Any) -> Verdict:
    return judge_eight(function)


@check.task(
    3,
    hints=[
        "Which experiment would come out differently if the statement were false?",
        'For a: server.signal("STOP") stops the master for a while, and server.signal("CONT") lets '
        "it go on. For b and d: block one worker with /slow and send quick requests meanwhile. For "
        "c: an aiohttp session keeps its connection; the replies name the worker.",
        'burst([f"{url}/slow?seconds=0.5", *[f"{url}/health"] * 40], after="began") blocks a '
        "worker and sends forty quick requests. Compare the worker of its first record with those "
        "of the others, for either server.",
    ],
)
def who_gets_it(answers: Any) -> Verdict:
    return judge_statements(answers)
