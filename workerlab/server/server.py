"""Starting and stopping the servers of a notebook."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from workerlab import ROOT
from workerlab.reports import reports
from workerlab.server import guard_process, processes
from workerlab.server.guard import Guard
from workerlab.server.launch import Ready, has_port, launch
from workerlab.server.readiness import Start, answers_as_probe, last_lines, workers_ready
from workerlab.server.start_errors import PortTaken, ServerDidNotStart
from workerlab.status import status

# A server that fails to start has nothing to finish.
_GRACE_OF_A_FAILURE = 0.3
_GUARD_LIMIT = 10.0  # seconds for the guard to start the server's first process
TRIES = 3  # where another program takes the port that was chosen
_running: dict[str, "Server"] = {}
_adopted: dict[str, tuple[subprocess.Popen, Guard]] = {}
_stopped: dict[str, str] = {}  # by address: the command of the server that was there


class Server:
    """A server in separate processes, started as from a shell and ready when this returns.

        server = Server("uvicorn app.main:app --port {port}")

    `command` is what you would type in the repository's folder. In it, in `env` and in `files`,
    `{port}` becomes a free port, which is then the server's address, and `{folder}` the path of the
    server's own folder, which is removed with it.
    A notebook has one server at a time: starting a second one stops the first, so a cell may be run
    twice. To run several side by side, give each a `name`. `env` adds environment variables; `cwd`
    is the folder to start in, relative to the repository's; `timeout` is how many seconds it may
    take to be ready. `files` are written to its folder: name to contents, such as
    {"my_conf.py": "workers = 2"}.
    Ready means that it answers an HTTP request, with any status; with `ready="tcp"`, that it takes
    connections, for a server that speaks a different protocol. `url` and `port` say where it is.
    One on a Unix socket, such as `--bind unix:{folder}/app.sock`, has a URL that begins with
    `unix:`, and no port.
    With `--workers N` in the command, ready means that all N workers have started, if the app
    reports (with `workerlab.probe`, as app.main does); otherwise, that one of them answers.
    Server settings in your own environment, such as GUNICORN_CMD_ARGS, are left out.
    With `probe=True`, the kit puts its probe around whatever app the server loads, without changing
    its files; `is_probed` says whether that worked.

    However the notebook ends, its servers end with it: see `workerlab.server.guard_process`.

    Raises ServerDidNotStart with the end of the log and, where it is known, the cause; ValueError
    for a command that would listen beyond this machine, or not on a TCP port.
    """

    def __init__(
        self,
        command: str,
        *,
        name: str = "server",
        env: dict[str, str] | None = None,
        cwd: str | Path = ROOT,
        files: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        ready: Ready = "http",
        probe: bool = False,
    ) -> None:
        end(name)
        self.name = name
        self.is_probed = False
        self._wants_probe = probe
        self._last_log: str | None = None
        for tries_left in reversed(range(TRIES)):
            try:
                with status(f"a server starts, {timeout:g} s at most"):
                    self._start(command, env or {}, ROOT / cwd, files or {}, timeout, ready, probe)
                break
            except PortTaken:
                # It was free a moment ago, and any program may have taken it since.
                if not has_port(command, env or {}, files or {}) or not tries_left:
                    raise

    def _start(
        self,
        command: str,
        env: Mapping[str, str],
        cwd: Path,
        files: Mapping[str, str],
        timeout: float,
        ready: Ready,
        probe: bool,
    ) -> None:
        launched = launch(command, env=env, cwd=cwd, files=files, ready=ready, probe=probe)
        self._last_log = None
        self._launched = launched
        self._guard = launched.guard
        self._pid = -1
        self.command = launched.command
        self.url = launched.url
        self.port = launched.port
        self.folder = launched.folder
        _running[self.name] = self
        try:
            self._guard.look(_GUARD_LIMIT)
            if self._guard.leader == -1:
                silent = f"the guard said nothing in {_GUARD_LIMIT:g} s"
                ended = "the guard process ended" if self._guard.gone else ""
                raise ServerDidNotStart(f"{self.command}\n{self._guard.failure or ended or silent}")
            self._pid = self._guard.leader
            Start(self, launched).wait(timeout)
            if probe:
                self.is_probed = answers_as_probe(self.url)
        except BaseException:
            self._end(_GRACE_OF_A_FAILURE)
            raise

    def __repr__(self) -> str:
        if self._last_log is not None:
            return f"stopped: {self.command}"
        text = f"ready at {self.url} (pid {self.pid})"
        if self._wants_probe and not self.is_probed:
            text += "\nThe probe is not in this server, so it is not known what its workers do."
        return text

    @property
    def log(self) -> str:
        """What the server has written so far, to standard output and standard error."""
        return self._launched.log() if self._last_log is None else self._last_log

    @property
    def exit_code(self) -> int | None:
        """The exit code of its first process, once that has exited; negative for a signal."""
        self._guard.look()
        return self._guard.exit_code

    @property
    def pid(self) -> int:
        """The pid of the master, or of a single Uvicorn."""
        if self._last_log is None and not processes.is_alive(self._pid):
            # It daemonised, or USR2 put another in its place.
            successors = guard_process.masters(self._guard.members())
            if successors:
                self._pid = min(process.pid for process in successors)
        return self._pid

    def take_as_master(self, holders: list[int]) -> None:
        """Find the master among the processes that hold the socket, and what started them.

        It is the topmost of them or, where each worker has a socket of its own, their parent.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            found = map(psutil.Process, holders)
            top = next(process for process in found if process.ppid() not in holders)
            parent = top.parent()
            # A worker is a fork of its master, and so has the same command line.
            is_fork = parent is not None and processes.command(parent) == processes.command(top)
            self._pid = parent.pid if is_fork else top.pid

    @property
    def pids(self) -> list[int]:
        """The pids of all of this server's live processes, even those that left their master."""
        if self._last_log is not None:
            return []
        return sorted(process.pid for process in self._guard.members())

    @property
    def workers(self) -> list[int]:
        """The pids of the master's children, sorted; of a single Uvicorn, its own."""
        if self._last_log is not None:
            return []
        try:
            children = psutil.Process(self.pid).children()
        except psutil.NoSuchProcess:
            return []
        workers = [
            child.pid
            for child in children
            if processes.is_alive(child.pid) and not processes.is_helper(child)
        ]
        return sorted(workers) or [self.pid]

    def tree(self) -> str:
        """The master and its workers as text."""
        return processes.tree(self.pid)

    def listening(self) -> list[processes.Socket]:
        """Which of this server's processes hold its listening socket."""
        if self.port is None:
            return []  # a Unix socket
        pids = [self.pid, *(pid for pid in self.workers if pid != self.pid)]
        return processes.listening(pids, self.port)

    def signal(self, name: str) -> None:
        """Send a signal to the master, by its name: `HUP`, `TTIN`, `TERM`, `KILL`, ..."""
        number = signal.Signals.__members__.get(f"SIG{name.upper().removeprefix('SIG')}")
        if number is None:
            raise ValueError(f"there is no signal {name!r}; try HUP, TERM, TTIN, TTOU or KILL")
        # The pid of a server that has ended may be another's by now.
        if self._last_log is not None or not processes.is_alive(self.pid):
            raise ProcessLookupError(f"the server has ended: {self.command}")
        os.kill(self.pid, number)

    def wait_for_workers(
        self, count: int, *, gone: int | None = None, timeout: float = 30.0
    ) -> list[int]:
        """Wait until `count` workers have started and are alive; return their pids.

        It needs an app that reports (with `workerlab.probe`, as app.main does, or `probe=True`).
        `gone` is the pid of a worker that must have ended first.
        Raises TimeoutError after `timeout` seconds, ValueError for an app that does not report.
        """
        if not reports.workers_started(self._launched.since):
            raise ValueError(
                "This app does not report when a worker has started, so it is not known how many "
                "are ready. Start it with Server(..., probe=True)."
            )
        deadline = time.monotonic() + timeout
        with status(f"waiting for {count} workers, {timeout:g} s at most"):
            while True:
                ready = workers_ready(self, self._launched)
                if len(ready) == count and gone not in ready:
                    return ready
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"{count} workers expected, {len(ready)} ready after {timeout:g} s; "
                        f"the log ends:\n{last_lines(self.log)}"
                    )
                time.sleep(0.005)

    def stop(self, grace: float = guard_process.GRACE) -> None:
        """Stop the server: TERM, up to `grace` seconds of waiting, KILL.

        A second call does nothing. 0 is for a server that has nothing to finish.
        """
        if self._last_log is None:
            with status(f"stopping a server, {grace:g} s at most"):
                self._end(grace)

    def _end(self, grace: float) -> None:
        # In this order, so that an interrupt between two of the steps hinders no later call.
        self._launched.end(grace)
        self._last_log = self._launched.log()
        self._launched.close()
        _stopped[self.url] = self.command
        if _running.get(self.name) is self:
            del _running[self.name]


def adopt(process: subprocess.Popen, name: str = "server") -> None:
    """Let a process that you started yourself stop with this notebook, however that ends.

    Start it with `start_new_session=True`. Adopting a second one of the same name stops the first.
    """
    if os.getsid(process.pid) != process.pid:
        raise ValueError("start the process with start_new_session=True")
    end(name)
    _adopted[name] = process, Guard.adopt(process.pid)


def release(name: str) -> None:
    """End the adopted process of this name, if there is one."""
    if name not in _adopted:
        return
    process, its_guard = _adopted[name]
    its_guard.end()
    process.wait(1)
    del _adopted[name]


def end(name: str, grace: float = guard_process.GRACE) -> None:
    """End whatever server this notebook started under this name; `grace` as in Server.stop."""
    if name in _running:
        _running[name].stop(grace)
    release(name)


def stop_all() -> None:
    """Stop every server that this notebook started or adopted."""
    # All at once: together they need no longer than the slowest.
    guards = [server._guard for server in _running.values()]
    guards += [its_guard for _, its_guard in _adopted.values()]
    for its_guard in guards:
        its_guard.ask_to_end()
    for name in {*_running, *_adopted}:
        end(name)


def workers_at(address: str) -> list[int]:
    """The pids of the workers of this notebook's server at an address, as 127.0.0.1:8000."""
    servers = [server for server in _running.values() if server.url == f"http://{address}"]
    return [pid for server in servers for pid in server.workers]


def stopped_at(url: str) -> str | None:
    """The command of a server that this notebook has stopped, and that had this address."""
    return _stopped.get(url)
