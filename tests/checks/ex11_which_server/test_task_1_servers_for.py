"""The bank of exercise 11, task 1: which servers do."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex11_which_server import check

CELL = """
def servers_for(matrix, needs):
    if not set(needs) <= set(matrix):
        raise ValueError("unknown")
    servers = list(next(iter(matrix.values())))
    return {}
"""
LOOP = """
async def servers_for(matrix, needs):
    left = [server for row in matrix.values() for server in row]
    for need in needs:
        try:
            row = matrix[need]
        except KeyError:
            raise ValueError(need) from None
        left = [server for server in left if row[server] == "acts"]
    return list(dict.fromkeys(left))
"""
SETS = """
from functools import reduce
def servers_for(matrix, needs):
    for need in needs:
        assert isinstance(need, str)
        if need not in matrix:
            class Unknown(ValueError): pass
            raise Unknown(need)
    has = [{s for s, verdict in matrix[need].items() if verdict == "acts"} for need in needs]
    return reduce(set.intersection, has, {s for row in matrix.values() for s in row})
"""
LAZY = """
def servers_for(matrix, needs):
    servers = next(iter(matrix.values()))
    return [s for s in servers if all(matrix[need][s] == "acts" for need in needs)]
"""
SKIPS = LAZY.replace("for need in needs)", "for need in needs if need in matrix)")


def returning(expression: str) -> str:
    return CELL.replace("{}", expression)


def chosen_by(condition: str) -> str:
    return returning(f"[s for s in servers if {condition}]")


DOES = 'all(matrix[n][s] == "acts" for n in needs)'


@bank(
    Wrong(chosen_by('any(matrix[n][s] == "acts" for n in needs)'), "one-need-is-enough"),
    Right(chosen_by(DOES)),
    Right(LOOP),
    Right(SETS),
    Wrong(chosen_by('all(matrix[n][s] in ("acts", "differs") for n in needs)'), "differs-counts"),
    Wrong(chosen_by('all(matrix[n][s] != "ignored" for n in needs)'), "not-ignored-is-enough"),
    Wrong(chosen_by(f"needs and {DOES}"), "no-needs-no-server"),
    Wrong(LAZY, "found-by-chance"),
    Wrong(SKIPS, "unknown-skipped"),
    Wrong(
        chosen_by(DOES).replace('raise ValueError("unknown")', "return []"), "unknown-means-none"
    ),
    Wrong(chosen_by(DOES).replace("ValueError", "KeyError"), "key-error"),
    Wrong(
        chosen_by(DOES).replace("return", "found =") + "    if not found:\n"
        '        raise ValueError("none")\n    return found\n',
        "other-servers",
    ),
    Wrong(returning(f"next((s for s in servers if {DOES}), '')"), "another-type"),
    Wrong(chosen_by(DOES).replace("next(iter(matrix.values()))", "matrix[needs[0]]"), "raises"),
    Wrong(returning("None"), "nothing-returned"),
    Wrong(chosen_by(f"not {DOES}"), "other-servers"),
    Wrong("servers_for = ['asgi']\n", "not-a-function"),
)
def test_task_1(case):
    judge(check, 1, case, from_cell("servers_for"))
