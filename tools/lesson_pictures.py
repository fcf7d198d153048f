"""The README's picture of each lesson's main result, taken from the lesson's stored outputs.

`python tools/refresh.py` calls this; `python tools/lesson_pictures.py` does it alone.
"""

import base64
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures" / "lessons"
EMBEDDED = re.compile(r'src="data:image/png;base64,([^"]+)"')
# By lesson: the cell whose picture it is.
MAIN = {
    "00_start_here": "see",
    "01_one_worker": "see",
    "02_blocking_the_loop": "eight",
    "03_the_thread_pool": "hundred",
    "04_many_workers": "kill",
    "05_who_gets_the_request": "once",
    "06_the_config_file": "see",
    "07_how_many_workers": "see-sweep",
    "08_when_workers_fail": "see-kill",
    "09_zero_downtime": "see",
    "10_shared_state": "claim-lost",
    "11_which_server": "shape-see",
    "12_beyond_one_machine": "see",
    "13_your_own_app": "see-known",
}


def stored(lesson: str) -> bytes:
    """The PNG of a lesson's main picture. Raises LookupError if its cell has none."""
    notebook = nbformat.read(ROOT / "lessons" / f"{lesson}.ipynb", as_version=4)
    [cell] = [cell for cell in notebook.cells if cell.id == MAIN[lesson]]
    for output in cell.outputs:
        page = output.get("data", {}).get("text/html", "")
        if found := EMBEDDED.search(page):
            return base64.b64decode(found[1])
    raise LookupError(f"the cell {MAIN[lesson]!r} of {lesson} has no picture")


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for lesson in MAIN:
        (FOLDER / f"{lesson}.png").write_bytes(stored(lesson))


if __name__ == "__main__":
    sys.exit(write())
