"""Tests that share a costly fixture run in one process, the others in any."""

import os
import re
import subprocess
import sys
from pathlib import Path

from workerlab import ROOT

TEST = """\
import time
import pytest

@pytest.mark.parametrize("number", range(6))
def test(number):
    time.sleep(0.1)
"""


def test_those_of_a_file_that_shares_a_fixture_go_to_one_process(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.scheduler import pytest_xdist_make_scheduler\n"
    )
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = -v -p workerlab.course.without_iri -p no:nbval\n"
    )
    for name in ("tests/site/test_site.py", "tests/site/test_other.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-n", "3", "--dist", "loadgroup"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    ran = re.findall(r"\[(gw\d)\].* PASSED (\S+)::", done.stdout)
    processes = {
        file: {process for process, of in ran if of == file} for file in dict(map(reversed, ran))
    }
    assert len(ran) == 12, done.stdout + done.stderr
    assert len(processes["tests/site/test_site.py"]) == 1
    assert len(processes["tests/site/test_other.py"]) > 1
