"""A kernel of the shell's own, in which `./learn check` runs the cells of a saved notebook."""

import os
import queue
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workerlab.server import guard_process
from workerlab.server.guard import Guard

START_LIMIT = 60.0  # seconds for a kernel to come up
INTERRUPT_LIMIT = 3.0  # seconds for a cell to end when it is interrupted
# Longer than a server's own guard takes: the kernel's guard waits for what the kernel had started.
GRACE = guard_process.GRACE + 1
MOST_OUTPUT = 100_000  # characters
# The path of a socket has at most 103 characters. In the kernel's folder (19 with its slash) may be
# that of an answer that runs alone (19), and in this a socket of multiprocessing (14 and 18).
MOST_OF_A_PATH = 33


@dataclass
class Ran:
    """How a cell ended. `died` is with its kernel, `code` being the exit code if known."""

    source: str
    kind: Literal["done", "raised", "too long", "died"]
    output: str = ""
    error: str = ""
    line: int | None = None
    code: int | None = None


class KernelDidNotStart(Exception):
    """No kernel could be had; the message says why and what to do."""


def _gets(receive: Callable[..., dict]) -> bool:
    """Whether a message comes within half a second."""
    try:
        receive(timeout=0.5)
    except queue.Empty:
        return False
    return True


class Kernel:
    """A fresh IPython kernel of this environment, started by a guard.

    The guard tells at once when the kernel has ended, and with which code.
    """

    def __init__(self, cwd: Path) -> None:
        # Imported here: the sentences above need not wait for them.
        from jupyter_client.blocking import BlockingKernelClient
        from jupyter_client.connect import write_connection_file

        usual = tempfile.gettempdir()
        place = usual if len(usual) <= MOST_OF_A_PATH else "/tmp"
        folder = tempfile.mkdtemp(prefix="workerlab-", dir=place)
        try:
            # Sockets in a folder of its own: no ports that another process might take.
            connection, _ = write_connection_file(
                f"{folder}/kernel.json", ip=f"{folder}/socket", transport="ipc"
            )
            self._client = BlockingKernelClient(connection_file=connection)
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", connection]
            self._guard = Guard.start(
                [*argv, "--HistoryManager.enabled=False"],
                folder=Path(folder),
                log=Path(folder, "log"),
                cwd=cwd.resolve(),
                # What the checks leave there goes with its folder, however it ends.
                env={**os.environ, "TMPDIR": folder},
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        try:
            self._client.load_connection_file()
            self._client.start_channels()
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def _wait_until_ready(self) -> None:
        # The client's own waiting takes a slow kernel for a dead one; the guard knows better.
        deadline = time.monotonic() + START_LIMIT
        answered = heard = False
        while not (answered and heard):
            if self.has_ended():
                raise KernelDidNotStart(
                    "the notebook's kernel did not start; what does ./learn doctor say?"
                )
            if time.monotonic() > deadline:
                raise KernelDidNotStart(
                    f"the kernel did not answer within {START_LIMIT:g} s; the machine may be too "
                    "busy. Close other programs and run ./learn check again"
                )
            self._client.kernel_info()
            answered = answered or _gets(self._client.get_shell_msg)
            heard = heard or _gets(self._client.get_iopub_msg)

    def run(self, source: str, limit: float) -> Ran:
        """Run a cell and wait for its end, for `limit` seconds."""
        request = self._client.execute(source, allow_stdin=False, stop_on_error=False)
        ran, number, traceback = Ran(source, "done"), None, ""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            message = self._next(request)
            if message is None:
                if self.has_ended():
                    return Ran(source, "died", ran.output, code=self._guard.exit_code)
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "execute_input":
                number = content["execution_count"]
            elif kind == "stream" and content["name"] == "stdout":
                ran.output = (ran.output + content["text"])[:MOST_OUTPUT]
            elif kind == "error":
                ran.kind, ran.error = "raised", f"{content['ename']}: {content['evalue']}"
                traceback = "\n".join(content["traceback"])
            elif kind == "status" and content["execution_state"] == "idle":
                break
        else:
            return Ran(source, "too long", ran.output)
        if ran.kind == "raised":
            ran.line = line_of(traceback, number, ran.error)
        # exit() and quit() end the kernel a moment later.
        if self._is_leaving(request) or ran.error.startswith("SystemExit"):
            return Ran(source, "died", ran.output)
        return ran

    def interrupt(self) -> bool:
        """Interrupt the cell that is running; whether it has ended."""
        self._client.session.send(
            self._client.control_channel.socket,
            self._client.session.msg("interrupt_request", {}),
        )
        deadline = time.monotonic() + INTERRUPT_LIMIT
        request = self._client.kernel_info()
        while time.monotonic() < deadline:
            try:
                reply = self._client.get_shell_msg(timeout=0.1)
            except queue.Empty:
                continue
            if reply["parent_header"].get("msg_id") == request:
                return True
        return False

    def has_ended(self) -> bool:
        """Whether the kernel is gone; asks its guard."""
        self._guard.look()
        return self._guard.exit_code is not None or self._guard.gone

    def close(self) -> None:
        """End the kernel and all that it started."""
        self._client.stop_channels()
        self._guard.end(GRACE)

    def _next(self, request: str) -> dict | None:
        try:
            message = self._client.get_iopub_msg(timeout=0.1)
        except queue.Empty:
            return None
        # A thread of an earlier cell may write as well.
        is_ours = message["parent_header"].get("msg_id") == request
        return message if is_ours else {"msg_type": "", "content": {}}

    def _is_leaving(self, request: str) -> bool:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not self.has_ended():
            try:
                reply = self._client.get_shell_msg(timeout=0.1)
            except queue.Empty:
                continue
            if reply["parent_header"].get("msg_id") == request:
                payload = reply["content"].get("payload", [])
                return any(part.get("source") == "ask_exit" for part in payload)
        return self.has_ended()


def line_of(traceback: str, number: int | None, error: str) -> int | None:
    """The line of cell `number` in which an error came up, as IPython tells it."""
    if found := re.search(r"\(\d+\.py, line (\d+)\)$", error):  # a syntax error
        return int(found[1])
    text = re.sub(r"\x1b\[[\d;]*m", "", traceback)
    found = re.search(rf"Cell In\[{number}\], line (\d+)", text)
    return int(found[1]) if found else None
