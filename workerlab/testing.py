"""./learn test: pytest over the notebooks and the unit tests."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INTERRUPTED, NOTHING_COLLECTED = 2, 5


def run(arguments: list[str], *, slow: bool = False) -> int:
    """Run the tests, then with `slow` the slow ones; the exit status of pytest.

    The first run is serial, since lessons measure time; the slow tests wait more than they compute
    and share the machine. They come second, so that the quick ones tell sooner what is broken.
    """
    # Without a file among the arguments pytest takes the folders of testpaths in pyproject.toml.
    pytest = [sys.executable, "-m", "pytest", "--nbval"]
    arguments = [from_root(argument) for argument in arguments]
    status = call([*pytest, "-m", "not slow", *arguments])
    if not slow or status == INTERRUPTED:
        return status
    status_slow = call([*pytest, "-m", "slow", "-n", "3", "--dist", "worksteal", *arguments])
    statuses = {status, status_slow}
    if statuses == {NOTHING_COLLECTED}:
        return NOTHING_COLLECTED
    return max(statuses - {NOTHING_COLLECTED})


def from_root(argument: str) -> str:
    """The argument as pytest understands it in the root, should it name a file seen from here."""
    file, separator, rest = argument.partition("::")
    if Path.cwd() != ROOT and not file.startswith("-") and Path(file).exists():
        return str(Path(file).resolve()) + separator + rest
    return argument


def call(command: list[str]) -> int:
    with subprocess.Popen(command, cwd=ROOT) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # pytest was interrupted too; its summary and its clean-up are worth waiting for.
                continue
