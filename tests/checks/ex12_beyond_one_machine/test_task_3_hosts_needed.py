"""The bank of exercise 12, task 3."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex12_beyond_one_machine import check


def returns(expression: str) -> str:
    return f"""
from math import ceil, floor
def hosts_needed(rate, cpu, waiting, cores, free, may_fail):
    return {expression}
"""


LOOP = """
def hosts_needed(rate, cpu, waiting, cores, free, may_fail):
    hosts = 1
    while hosts * cores * (1 - free) < rate * cpu:
        hosts += 1
    return hosts + may_fail
"""


@bank(
    Right(returns("max(1, ceil(rate * cpu / (cores * (1 - free)))) + may_fail")),
    Right(LOOP),
    Right(returns("float(max(1, -(-rate * cpu // (cores - cores * free)))) + may_fail")),
    Wrong(
        returns("max(1, ceil(rate * (cpu + waiting) / (cores * (1 - free)))) + may_fail"),
        "waiting-counted",
    ),
    Wrong(returns("max(1, int(rate * cpu / (cores * (1 - free)))) + may_fail"), "rounded-down"),
    Wrong(
        returns("max(1, round(rate * cpu / (cores * (1 - free)))) + may_fail"),
        "rounded-to-nearest",
    ),
    Wrong(
        returns("floor(rate * cpu / (cores * (1 - free))) + 1 + may_fail"), "one-more-than-needed"
    ),
    Wrong(returns("max(1, ceil(rate * cpu / (cores * (1 - free))))"), "none-may-fail"),
    Wrong(returns("max(1, ceil(rate * cpu / cores)) + may_fail"), "all-may-be-busy"),
    Wrong(returns("max(1, ceil(rate * cpu / (cores * free))) + may_fail"), "share-turned-round"),
    Wrong(returns("max(1, ceil(rate * cpu * (1 + free) / cores)) + may_fail"), "share-on-top"),
    Wrong(returns("ceil(rate * cpu / (cores * (1 - free))) + may_fail"), "none-at-all"),
    Wrong(returns("rate * cpu / (cores * (1 - free)) + may_fail"), "another-type"),
    Wrong(returns("ceil(rate * cpu / (cores * (1 - free)) * (1 + may_fail))"), "another-number"),
    Wrong(returns("3"), "fixed-answer"),
    Wrong(returns("print(rate)"), "nothing-returned"),
)
def test_task_3(case):
    judge(check, 3, case, from_cell("hosts_needed"))
