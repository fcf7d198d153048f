"""The bank of exercise 08, task 1."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex08_when_workers_fail import check

HEAD = "def losses(records, killed, pid):\n"
LOST = HEAD + '    lost = [r for r in records if r["status"] is None]\n'
HELD = 'r["reached"] is not None and r["reached"] < killed < r["received"]'
OURS = f'r["worker"] == pid and {HELD}'
SPLIT = """    others = {r["id"] for r in lost} - hit
    return hit, others
"""


def hit(condition: str) -> str:
    return LOST + f'    hit = {{r["id"] for r in lost if {condition}}}\n' + SPLIT


@bank(
    Right(hit(OURS)),
    Right(
        HEAD + "    hit, others = [], []\n"
        "    for r in records:\n"
        '        if r["status"] is not None:\n'
        "            continue\n"
        f"        (hit if {OURS} else others).append(r['id'])\n"
        "    return hit, others\n"
    ),
    # The client learns of it at once.
    Right(hit('r["worker"] == pid and abs(r["received"] - killed) < 0.1')),
    Wrong(hit('r["worker"] == pid'), "whatever-the-moment"),
    Wrong(hit(HELD), "whatever-the-worker"),
    Wrong(hit('r["received"] > killed'), "everything-after"),
    Wrong(
        LOST + f'    hit = {{r["id"] for r in records if {OURS}}}\n' + SPLIT,
        "answered-ones-too",
    ),
    Wrong(hit(OURS).replace("hit, others\n", "others, hit\n"), "sets-swapped"),
    Wrong(
        hit(OURS).replace('r["status"] is None', 'r["status"] is None or r["status"] >= 400'),
        "errors-are-lost",
    ),
    Wrong(
        hit(OURS).replace("for r in lost} -", 'for r in lost if r["worker"]} -'),
        "other-ids-of-the-rest",
    ),
    Wrong(hit(OURS).replace(" - hit", ""), "other-ids-of-the-rest"),
    Wrong(hit(f"not ({OURS})").replace(" - hit", " | hit"), "sets-swapped"),
    Wrong(hit('r["worker"] == pid and r["received"] < killed'), "other-ids-of-the-kill"),
    Wrong(
        hit(OURS).replace("return hit, others", "return hit, {r['id'] + 1 for r in lost}"),
        "other-ids-of-the-rest",
    ),
    Wrong(hit(OURS).replace("hit, others\n", "len(hit), len(others)\n"), "another-type"),
    Wrong(hit(OURS).replace("return hit, others", "return hit, others, lost"), "not-both"),
    Wrong(HEAD + "    return {2, 4}, {5, 7}\n", "fixed-answer"),
)
def test_task_1(case):
    judge(check, 1, case, from_cell("losses"))
