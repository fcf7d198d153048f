"""Showing progress: in a kernel, as a notebook has it, on a terminal, and nowhere else."""

import html
import itertools
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.watched_kernel import WatchedKernel, watched_kernel
from workerlab.status import PLAIN

LOOP = """
import time
from workerlab.status import status, steps
for seconds in steps([0.6, 0.7, 0.8], "measuring", about=3):
    with status("a server starts"):
        time.sleep(seconds)
"""


@pytest.fixture
def kernel() -> Iterator[WatchedKernel]:
    with watched_kernel() as kernel:
        yield kernel


def test_a_cell_that_takes_long_tells_where_it_is(kernel):
    told = kernel.run(LOOP)
    assert [kind for _, kind, _ in told[:2]] == ["display_data", "update_display_data"]
    assert len({content["transient"]["display_id"] for _, _, content in told}) == 1
    assert {content["data"]["text/plain"] for _, _, content in told} == {PLAIN}
    times = [0.0, *(when for when, _, _ in told)]
    assert max(b - a for a, b in itertools.pairwise(times)) < 2
    lines = [html.unescape(content["data"]["text/html"]) for _, _, content in told]
    assert "measuring, 0 of 3, 0 s of about 3 s" in lines[1]
    assert any("measuring, 3 of 3, 2 s of about 3 s" in line for line in lines)
    assert lines[-1] == ""


def test_a_cell_that_does_not_take_long_says_nothing(kernel):
    code = 'from workerlab.status import status\nwith status("quick"):\n    print("done")'
    assert [kind for _, kind, _ in kernel.run(code)] == ["stream"]


def test_an_exception_takes_the_line_away(kernel):
    code = 'from workerlab.status import status\nwith status("long", 5):\n    1 / 0'
    *_, last, error = kernel.run(code)
    assert last[2]["data"]["text/html"] == "" and error[1] == "error"


def test_under_pytest_a_cell_shows_nothing(kernel):
    assert kernel.run(f"import os\nos.environ['PYTEST_CURRENT_TEST'] = 'x'\n{LOOP}") == []


def run(code: str, **options) -> subprocess.CompletedProcess:
    variables = {name: os.environ[name] for name in os.environ if name != "PYTEST_CURRENT_TEST"}
    return subprocess.run(
        [sys.executable, "-c", code], env=variables, timeout=60, check=True, **options
    )


def test_a_terminal_has_one_line_that_is_written_over():
    reading, terminal = pty.openpty()
    run(LOOP, stderr=terminal)
    os.close(terminal)
    told = os.read(reading, 65536).decode()
    os.close(reading)
    lines = re.split(r"\r\x1b\[K", told)
    assert "\n" not in told and lines[-1] == ""
    assert any(line.startswith("measuring, 3 of 3, 2 s of about 3 s") for line in lines)


def test_a_file_has_none():
    done = run(LOOP, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")
