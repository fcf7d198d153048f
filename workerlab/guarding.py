"""The kernel's end of `workerlab.guard`: starting a guard, and asking it to end its server."""

import contextlib
import json
import os
import subprocess
import sys

from workerlab import guard


def start_guard(spec: dict[str, object], env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a guard process; it does its work when it is asked to, or this process ends."""
    spec = {"owner": os.getpid(), **spec}
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, json.dumps(spec)],
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
