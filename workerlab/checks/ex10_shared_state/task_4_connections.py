"""Exercise 10, task 4: how many connections a database must allow."""

from typing import Any

from workerlab.checks.function import Mistake, Part, is_number, judge_function
from workerlab.checks.verdicts import Verdict

HINTS = [
    "Which process has a pool of its own: a host, a master, a worker? How many of these are there "
    "during a deploy, on a host where the old and the new master are there at the same time?",
    "A pool opens pool_size + max_overflow connections at most, in each worker. How many hosts' "
    "worth of workers are there at worst: hosts, and which of them count twice?",
    "(hosts + min(deploying, hosts)) * workers * (pool_size + max_overflow) + reserved; and before "
    "it, raise ValueError if pool_size is 0 or max_overflow is -1.",
]
# hosts, workers, pool_size, max_overflow, deploying, reserved
CALLS = [
    [1, 1, 5, 0, 0, 0],
    [1, 4, 5, 10, 0, 3],
    [3, 4, 5, 10, 1, 3],
    [3, 4, 5, 10, 3, 3],
    [2, 8, 2, 0, 5, 10],
    [4, 2, 10, 20, 2, 0],
    [2, 4, 5, -1, 1, 3],
    [2, 4, 0, 10, 1, 3],
]


def total(h: int, w: int, p: int, o: int, d: int, r: int) -> int:
    return (h + min(d, h)) * w * (p + o) + r


def needed(h: int, w: int, p: int, o: int, d: int, r: int) -> int:
    if p == 0 or o == -1:
        raise ValueError("a pool without a limit")
    return total(h, w, p, o, d, r)


NEEDED = Part(
    of=needed,
    fits=is_number,
    kind="a number of connections",
    other="another-number",
    mistakes={
        "without-overflow": Mistake(
            lambda h, w, p, o, d, r: needed(h, w, p, min(o, 0), d, r),
            "You count what a pool keeps, and not what it opens when many requests come at once.",
            "How many connections may a pool have open at most?",
        ),
        "without-deploy": Mistake(
            lambda h, w, p, o, d, r: needed(h, w, p, o, 0, r),
            "This is enough until the next deploy.",
            "How many workers does a host have while the old master is there, and the new one too?",
        ),
        "all-hosts-twice": Mistake(
            lambda h, w, p, o, d, r: needed(h, w, p, o, h if d else 0, r),
            "You count every host twice during a deploy.",
            "On how many hosts are old and new workers there at the same time?",
        ),
        "more-hosts-than-there-are": Mistake(
            lambda h, w, p, o, d, r: needed(h + d, w, p, o, 0, r),
            "You count more hosts in a deploy than there are.",
            "If there are 2 hosts, and 5 may be deployed at a time, how many are?",
        ),
        "a-pool-for-each-host": Mistake(
            lambda h, w, p, o, d, r: needed(h, 1, p, o, d, r),
            "You count one pool for each master.",
            "Which process opens the connections of a pool, and how many such processes are there?",
        ),
        "without-reserved": Mistake(
            lambda h, w, p, o, d, r: needed(h, w, p, o, d, 0),
            "Nothing is left for those who are to look at the database when it is full.",
            "What is reserved, and is it there in addition to the pools?",
        ),
        "no-limit-is-a-number": Mistake(
            total,
            "You compute a number for a pool that has no limit.",
            "What does SQLAlchemy do with max_overflow=-1, and with pool_size=0?",
        ),
    },
)


def check(connections: Any) -> Verdict:
    """Call the function for some deployments."""
    return judge_function(connections, CALLS, [NEEDED])
