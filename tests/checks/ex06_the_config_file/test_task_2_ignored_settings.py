"""The bank of exercise 06, task 2: which statements on a file's settings are true."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex06_the_config_file import check

ANSWERS = {"a": False, "b": True, "c": True, "d": True, "e": False}


@bank(
    Wrong({**ANSWERS, "b": False}, "keepalive-acts"),
    Right(ANSWERS),
    Right(dict(reversed(ANSWERS.items()))),
    Right({letter: letter in "bcd" for letter in "abcde"}),
    Wrong({**ANSWERS, "a": True}, "worker-connections"),
    Wrong({**ANSWERS, "c": False}, "timeout-acts"),
    Wrong({**ANSWERS, "d": False}, "max-requests-acts"),
    Wrong({**ANSWERS, "e": True}, "log-format"),
    Wrong({"worker_connections": False, "access_log_format": False}, "not-these-statements"),
    Wrong({**ANSWERS, "a": "False"}, "not-true-or-false"),
    Wrong("a, e", "not-a-dict"),
)
def test_task_2(case):
    judge(check, 2, case)


def test_task_2_an_answer_of_the_first_form():
    verdict = check.judge(2, {"worker_connections", "access_log_format"})
    assert verdict.outcome == "could not check" and "./learn reset 06" in verdict.sentence
