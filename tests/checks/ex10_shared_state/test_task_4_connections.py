"""The bank of exercise 10, task 4: how many connections the database must allow."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex10_shared_state import check

DEF = "def connections(hosts, workers, pool_size, max_overflow, deploying, reserved):\n"
REFUSED = "    if pool_size == 0 or max_overflow == -1:\n        raise ValueError('no limit')\n"


def returning(expression: str, refused: str = REFUSED) -> str:
    return f"{DEF}{refused}    return {expression}\n"


POOL = "(pool_size + max_overflow)"
HOSTS = "(hosts + min(deploying, hosts))"


@bank(
    Wrong(returning(f"hosts * workers * {POOL} + reserved"), "without-deploy"),
    Right(returning(f"{HOSTS} * workers * {POOL} + reserved")),
    Right(
        DEF + "    if not pool_size or max_overflow < 0:\n        raise ValueError\n"
        "    masters = sum(2 if host < deploying else 1 for host in range(hosts))\n"
        f"    return reserved + sum({POOL} for _ in range(masters * workers))\n"
    ),
    Right(
        "class NoLimit(ValueError):\n    pass\n\n"
        + returning(f"{POOL} * workers * min(hosts + deploying, 2 * hosts) + reserved").replace(
            "ValueError('no limit')", "NoLimit"
        )
    ),
    Wrong(returning(f"{HOSTS} * workers * pool_size + reserved"), "without-overflow"),
    Wrong(
        returning(f"hosts * (2 if deploying else 1) * workers * {POOL} + reserved"),
        "all-hosts-twice",
    ),
    Wrong(
        returning(f"(hosts + deploying) * workers * {POOL} + reserved"),
        "more-hosts-than-there-are",
    ),
    Wrong(returning(f"{HOSTS} * {POOL} + reserved"), "a-pool-for-each-host"),
    Wrong(returning(f"{HOSTS} * workers * ({POOL} + reserved)"), "another-number"),
    Wrong(returning(f"{HOSTS} * workers * {POOL}"), "without-reserved"),
    Wrong(returning(f"{HOSTS} * workers * {POOL} + reserved", ""), "no-limit-is-a-number"),
    Wrong(
        returning(
            f"{HOSTS} * workers * {POOL} + reserved",
            "    if pool_size == 0:\n        raise ValueError\n",
        ),
        "another-number",
    ),
    Wrong(returning(f"2 * {HOSTS} * workers * {POOL} + reserved"), "another-number"),
    Wrong(returning(f"str({HOSTS} * workers * {POOL} + reserved)"), "another-type"),
    Wrong(returning("None"), "nothing-returned"),
    Wrong(returning("100", ""), "fixed-answer"),
    Wrong("connections = 100\n", "not-a-function"),
)
def test_task_4(case):
    judge(check, 4, case, from_cell("connections"))
