"""The kernel's end of `workerlab.guard`: starting a guard, and asking it to end its server."""

import contextlib
import os
import subprocess
import sys

from workerlab import guard


def start_guard(*arguments: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a guard process; it does its work when it is asked to, or this process ends.

    `arguments` are those of `workerlab.guard`, without the owner: this process.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=env,
        start_new_session=True,
    )


def ask_to_end(its_guard: subprocess.Popen[bytes], grace: float) -> None:
    """Have the guard end what it guards: TERM, up to `grace` seconds of waiting, KILL."""
    with contextlib.suppress(BrokenPipeError):  # it has been killed
        its_guard.stdin.write(f"stop {grace}\n".encode())
