"""Exercise 12, task 3: how many hosts a rate needs, with some cores free and some hosts away."""

from math import ceil, floor
from typing import Any

from workerlab.checks.function import Mistake, Part, is_number, judge_function
from workerlab.checks.verdicts import Verdict

HINTS = [
    "How many cores does this rate keep busy, on average? Does a request that waits need one?",
    "rate * cpu is the number of busy cores. How many of its cores may a host have busy? And who "
    "does the work while some hosts are away?",
    "return max(1, ceil(rate * cpu / (cores * (1 - free)))) + may_fail",
]
# All are multiples of powers of two, so that no rounding of floats decides.
CALLS = [
    # rate, cpu, waiting, cores, free, may_fail: below r, c, w, n, f and away
    (128, 0.03125, 0.5, 2, 0.25, 1),
    (128, 0.03125, 8.0, 2, 0.25, 1),
    (120, 0.0625, 0.25, 4, 0.5, 0),
    (100, 0.0625, 0.25, 4, 0.5, 2),
    (1000, 0.015625, 1.0, 8, 0.25, 1),
    (4, 0.015625, 2.0, 4, 0.5, 1),
    (0, 0.25, 0.0, 2, 0.125, 2),
    (56, 0.125, 0.0, 2, 0.125, 0),
]


def needed(rate: float, cpu: float, waiting: float, cores: int, free: float, may_fail: int) -> int:
    """The hosts that carry the rate, and those that may be away."""
    return max(1, ceil(rate * cpu / (cores * (1 - free)))) + may_fail


NEEDED = Part(
    needed,
    lambda value: is_number(value) and value == int(value),
    "a whole number of hosts",
    "another-number",
    {
        "waiting-counted": Mistake(
            lambda r, c, w, n, f, away: max(1, ceil(r * (c + w) / (n * (1 - f)))) + away,
            "Your function counts the seconds of waiting as if they needed a core.",
            "What does the core do while a handler awaits?",
        ),
        "rounded-down": Mistake(
            lambda r, c, w, n, f, away: max(1, floor(r * c / (n * (1 - f)))) + away,
            "Your function rounds down, so that a part of the load has no host.",
            "You need two and a half hosts. How many do you start?",
        ),
        "rounded-to-nearest": Mistake(
            lambda r, c, w, n, f, away: max(1, round(r * c / (n * (1 - f)))) + away,
            "Your function rounds to the nearest number, so a part of the load may have no host.",
            "You need three hosts and a tenth. Who carries the tenth?",
        ),
        "one-more-than-needed": Mistake(
            lambda r, c, w, n, f, away: floor(r * c / (n * (1 - f))) + 1 + away,
            "Your function adds a host even where the load comes out even.",
            "What does ceil return for a whole number?",
        ),
        "none-may-fail": Mistake(
            lambda r, c, w, n, f, away: max(1, ceil(r * c / (n * (1 - f)))),
            "Your function leaves out the hosts that may fail.",
            "Who carries the load while one of them is away?",
        ),
        "all-may-be-busy": Mistake(
            lambda r, c, w, n, f, away: max(1, ceil(r * c / n)) + away,
            "Your function keeps nothing free.",
            "Which part of a host's cores may be busy?",
        ),
        "share-turned-round": Mistake(
            lambda r, c, w, n, f, away: max(1, ceil(r * c / (n * f))) + away,
            "Your function takes the share to keep free for the share that may be busy.",
            "If a quarter is to stay free, which part may be busy?",
        ),
        "share-on-top": Mistake(
            lambda r, c, w, n, f, away: max(1, ceil(r * c * (1 + f) / n)) + away,
            "A quarter more of what is busy is not a quarter of all.",
            "Three cores busy of four: by how much more would you have to multiply three?",
        ),
        "none-at-all": Mistake(
            lambda r, c, w, n, f, away: ceil(r * c / (n * (1 - f))) + away,
            "Without load, your function leaves no host but those that may fail.",
            "Who answers the first request after all of those have failed?",
        ),
    },
)


def check(hosts_needed: Any) -> Verdict:
    """Call the function, and compare what it returns."""
    return judge_function(hosts_needed, CALLS, [NEEDED])
