"""The bank of answers to exercise 04, task 4."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex04_many_workers import check

HOLDS = """
def roles(rows, master):
    return {"master" if pid == master else "worker" for pid, _ in rows}
def inodes(rows):
    return {inode for _, inode in rows}
def who_holds(rows, master):
"""


@bank(
    Right(HOLDS + "    return roles(rows, master), len(inodes(rows))\n"),
    Right(
        "who_holds = lambda rows, master: (\n"
        "    {'master' if pid == master else 'worker' for pid, _ in set(rows)},\n"
        "    len({inode for _, inode in rows}),\n)\n"
    ),
    Right(
        "from collections import Counter\n"
        "def who_holds(rows, master):\n"
        "    found = []\n"
        "    if any(pid != master for pid, inode in rows):\n"
        "        found.append('workers')\n"
        "    if any(pid == master for pid, inode in rows):\n"
        "        found.append('master')\n"
        "    return found, len(Counter(inode for pid, inode in rows))\n"
    ),
    Wrong("who_holds = ({'master'}, 1)\n", "not-a-function"),
    Wrong(HOLDS + "    return roles(rows, master), len(rows)\n", "counts-holders"),
    Wrong(
        HOLDS + "    return roles(rows, master), len({p for p, _ in rows})\n", "counts-processes"
    ),
    Wrong(HOLDS + "    return roles(rows, master), 1\n", "another-count"),
    Wrong(HOLDS + "    return {'master'}, len(inodes(rows))\n", "master-only"),
    Wrong(HOLDS + "    return {'master', 'worker'}, len(inodes(rows))\n", "everybody-always"),
    Wrong(HOLDS + "    return roles(rows[:1], master), len(inodes(rows))\n", "other-roles"),
    Wrong(HOLDS + "    return {'master', 'worker'}, 1\n", "fixed-answer"),
    Wrong(HOLDS + "    return len(inodes(rows)), roles(rows, master)\n", "the-other-way-round"),
    Wrong(HOLDS + "    return roles(rows, master), inodes(rows)\n", "another-type"),
    Wrong(HOLDS + "    return len(inodes(rows))\n", "not-both"),
)
def test_task_4(case):
    judge(check, 4, case, from_cell("who_holds"))
