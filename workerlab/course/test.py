"""./learn test: pytest over the notebooks and the unit tests."""

import subprocess
import sys
from pathlib import Path

from workerlab import ROOT

INTERRUPTED, WRONG_USAGE, NOTHING_COLLECTED = 2, 4, 5
AT_ONCE = "4"
QUICK = ["-m", "not slow"]
# loadfile: a whole notebook goes to one process, since its cells belong together.
BY_FILE = ["--dist", "loadfile"]
# loadgroup: one test at a time, except as tests/scheduler.py has it.
SLOW = ["-m", "slow", "--dist", "loadgroup"]


def run(arguments: list[str], *, slow: bool = False) -> int:
    """Run the tests, then with `slow` the slow ones; the exit status of pytest.

    Each waits more than it computes, so several share the machine, the lessons too: what these
    claim holds on a busy one. The slow ones come last, so that the quick ones tell sooner what is
    broken. Where the arguments name files, these are run one after the other.
    """
    arguments = [from_root(argument) for argument in arguments]
    for name in named_files(arguments):
        if not (ROOT / name).exists():
            print(f"learn: there is no file or folder {name}, so nothing was run.", file=sys.stderr)
            return WRONG_USAGE
    names_files = any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)
    runs = [QUICK if names_files else [*QUICK, *BY_FILE, "-n", AT_ONCE]]
    if slow:
        runs.append([*SLOW, "-n", AT_ONCE])
    statuses = set()
    for options in runs:
        statuses.add(call([sys.executable, "-m", "pytest", "--nbval", *options, *arguments]))
        # What pytest does not understand once it never does.
        for status in (INTERRUPTED, WRONG_USAGE):
            if status in statuses:
                return status
    if statuses == {NOTHING_COLLECTED}:
        return NOTHING_COLLECTED
    # That of a pytest that was killed is negative.
    return max(statuses - {0, NOTHING_COLLECTED}, default=0)


def named_files(arguments: list[str]) -> list[str]:
    """The files and folders among the arguments; what follows an option may be its value."""
    after_option = [False, *(argument.startswith("-") for argument in arguments)]
    return [
        argument.partition("::")[0]
        for argument, is_value in zip(arguments, after_option, strict=False)
        if not is_value and not argument.startswith("-")
    ]


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
