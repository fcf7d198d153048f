"""The notebook's end of `workerlab.server.guard_process`."""

import contextlib
import os
import select
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workerlab.server import guard_process

if TYPE_CHECKING:
    import psutil

# A script is compiled at each start, a module once.
_RUN = """
import os, sys
sys.path.append(os.path.dirname(sys.argv[1]))
import guard_process
guard_process.main(*sys.argv[2:])
"""
_START = [sys.executable, "-I", "-S", "-c", _RUN]


class Guard:
    """A process that stops whatever it guards: when it is asked to, or when this process ends.

    What it started has `marker` as the value of the variable `guard_process.MARKER`; what it
    adopted has not. `leader` is the pid of the process that was started or adopted, -1 before it
    is known; `failure` says why it could not be started. `exit_code` is that of the leader, once
    it has ended; of an adopted one it stays None. `gone` is True when no process is left, or the
    guard itself has ended. `look` brings these up to date.
    """

    def __init__(self, arguments: list[str], env: Mapping[str, str]) -> None:
        self.marker = uuid.uuid4().hex
        self.leader = -1
        self.failure = ""
        self.exit_code: int | None = None
        self.gone = False
        self._folder: Path | None = None
        self._process = subprocess.Popen(
            [*_START, guard_process.__file__, str(os.getpid()), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**env, guard_process.MARKER: self.marker},
            start_new_session=True,
        )

    @classmethod
    def start(
        cls, argv: list[str], *, folder: Path, log: Path, cwd: Path, env: Mapping[str, str]
    ) -> "Guard":
        """Start a program (`argv[0]` is its path) and guard it; it writes to the file `log`.

        The folder is removed when nothing is left of the program.
        """
        started = cls([str(folder), str(cwd), str(log)], env)
        started._folder = folder
        command = b"\0".join(map(os.fsencode, argv))
        with contextlib.suppress(BrokenPipeError):  # it has ended, which `look` notices
            started._process.stdin.write(b"%d\n%s" % (len(command), command))
        return started

    @classmethod
    def adopt(cls, pid: int) -> "Guard":
        """Guard a process that was started without it, in a separate session."""
        started = cls([str(pid)], os.environ)
        started.leader = pid
        return started

    @property
    def pid(self) -> int:
        """The pid of the guard itself."""
        return self._process.pid

    def look(self, timeout: float = 0.0) -> None:
        """Note what the guard has said; wait up to `timeout` seconds where it says nothing."""
        while not self.gone and select.select([self._process.stdout], [], [], timeout)[0]:
            timeout = 0.0
            event, _, detail = self._process.stdout.readline().decode().strip().partition(" ")
            if event == "started":
                self.leader = int(detail)
            elif event == "failed":
                self.failure = detail
            elif event == "exited":
                self.exit_code = int(detail)
            else:  # "gone", or nothing: the guard itself has ended
                self.gone = True

    def members(self) -> "list[psutil.Process]":
        """The live processes that it guards, wherever they went."""
        return guard_process.members(self.marker, self.leader, self.pid)

    def ask_to_end(self, grace: float = guard_process.GRACE) -> None:
        """Have what it guards end: TERM, up to `grace` seconds of waiting, KILL.

        Does nothing once `end` has returned.
        """
        if self._process.stdin.closed:
            return
        with contextlib.suppress(BrokenPipeError):  # it has been killed
            self._process.stdin.write(f"stop {grace}\n".encode())

    def end(self, grace: float = guard_process.GRACE) -> None:
        """End what it guards, as `ask_to_end` has it, and wait for that.

        Does nothing once it has returned.
        """
        if self._process.stdin.closed:
            return
        self.ask_to_end(grace)
        self._process.wait(grace + 15)
        self.look()
        self.gone = True
        if self._process.returncode != 0:  # somebody killed it
            guard_process.end(self.marker, self.leader, self.pid, grace)
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
        self._process.stdout.close()
        self._process.stdin.close()
