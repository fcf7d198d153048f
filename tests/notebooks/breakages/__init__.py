"""What is broken to see that a claim notices: a module for each lesson."""

import re
from dataclasses import dataclass

from workerlab.server import ROOT

AWAIT = "        await asyncio.sleep(seconds)"
SLEEP = "        time.sleep(seconds)"


@dataclass(frozen=True)
class Breakage:
    """What is broken, where, and which cells must notice.

    `edits` are (file, text, replacement); the file `lesson` is the notebook itself. `cells` are
    the ids of the code cells to run, `red` those of them that must fail.
    """

    name: str
    edits: list[tuple[str, str, str]]
    cells: list[str]
    red: set[str]


def main_py(old: str, new: str) -> tuple[str, str, str]:
    """An edit anywhere in the app."""
    return "app/main.py", old, new


def handler(name: str, old: str, new: str) -> tuple[str, str, str]:
    """An edit inside one handler of the app."""
    source = (ROOT / "app/main.py").read_text()
    body = re.search(rf'@app.get\("{re.escape(name)}"[^\n]*\)\n.*?(?=\n\n\n|\Z)', source, re.DOTALL)
    assert body and old in body[0], f"{name} no longer contains {old!r}"
    return "app/main.py", body[0], body[0].replace(old, new)
