"""Starting and stopping the servers of a notebook."""

import contextlib
import ipaddress
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import psutil

from workerlab import guard, processes
from workerlab.commands import address_of, beyond, workers_asked_for
from workerlab.guarding import ask_to_end, start_guard
from workerlab.ports import free_port
from workerlab.probe import REPORT_TO
from workerlab.readiness import Question
from workerlab.reports import reports
from workerlab.start_errors import (
    PortTaken,
    ServerDidNotStart,
    cause,
    has_failed,
    is_listening,
    is_port_taken,
    misspelt_settings,
)

ROOT = Path(__file__).resolve().parent.parent
# What the servers would take from the reader's shell. The command in the cell is to say it all.
_SETTINGS = re.compile(r"GUNICORN_CMD_ARGS|UVICORN_\w+|PORT|WEB_CONCURRENCY|FORWARDED_ALLOW_IPS")
# A server which fails to start has nothing to end in good order.
_GRACE_OF_A_FAILURE = 0.3
TRIES = 3  # where another program takes the port that was chosen
_running: dict[str, "Server"] = {}
_adopted: dict[str, tuple[subprocess.Popen, subprocess.Popen[bytes], str]] = {}


class Server:
    """A server in processes of its own, started as from a shell and ready when this returns.

        server = Server("uvicorn app.main:app --port {port}")

    `command` is what one would type in the repository's folder; `{port}` becomes a free port.
    A notebook has one server at a time: starting another stops the first, so a cell may be run
    twice. Give a `name` to each of several that shall run side by side. `env` adds environment
    variables; `cwd` is the folder to start in, a relative one starts from the repository's;
    `timeout` the seconds it may take to be ready. `files` are written to a folder of the server's
    own, `{folder}` in the command, which is removed with it: name to contents, as
    {"my_conf.py": "workers = 2"}.
    With `--workers N` in the command, ready means that all N workers have started.
    Settings of the servers in the reader's own environment, as GUNICORN_CMD_ARGS, are left out.

    However the notebook ends, its servers end with it: see `workerlab.guard`.

    Raises ServerDidNotStart with the end of the log and, where it is known, the cause; ValueError
    for a command which would listen beyond this machine, or not on a TCP port.
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
    ) -> None:
        end(name)
        self.name = name
        self._cwd = ROOT / cwd
        for tries_left in reversed(range(TRIES)):
            try:
                self._launch(command, env or {}, files or {}, timeout)
                break
            except PortTaken:
                # It was free a moment ago, and any program may have taken it since.
                if "{port}" not in command or not tries_left:
                    raise

    def _launch(
        self, command: str, env: dict[str, str], files: Mapping[str, str], timeout: float
    ) -> None:
        self.command = command.replace("{port}", str(free_port()))
        host, self.port = address_of(self.command)
        self.folder = Path(tempfile.mkdtemp(prefix="workerlab-"))
        self.command = self.command.replace("{folder}", str(self.folder))
        self.url = f"http://{host}:{self.port}"
        self._reports = self.folder / "reports"
        self._marker = uuid.uuid4().hex
        self._last_log: str | None = None
        self._launched = time.monotonic()
        self._leader = self._pid = -1
        self._gone = False
        self.exit_code: int | None = None
        try:
            for file, contents in files.items():
                (self.folder / file).write_text(contents, encoding="utf-8")
            self._start_guard(env)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        _running[self.name] = self
        try:
            self._leader = self._pid = self._wait_for_pid()
            self._wait_until_ready(timeout)
        except BaseException:
            self._end(_GRACE_OF_A_FAILURE)
            raise

    def __repr__(self) -> str:
        if self._last_log is not None:
            return f"stopped: {self.command}"
        return f"ready at {self.url} (pid {self.pid})"

    @property
    def log(self) -> str:
        """What the server has written so far, to standard output and standard error."""
        if self._last_log is not None:
            return self._last_log
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    @property
    def pid(self) -> int:
        """The pid of the master, or of a single Uvicorn."""
        if self._last_log is None and not processes.is_alive(self._pid):
            # It daemonised, or USR2 put another in its place.
            successors = guard.masters(self._members())
            if successors:
                self._pid = min(process.pid for process in successors)
        return self._pid

    @property
    def pids(self) -> list[int]:
        """The pids of all of this server's live processes, also of those that left their master."""
        if self._last_log is not None:
            return []
        return sorted(process.pid for process in self._members())

    @property
    def workers(self) -> list[int]:
        """The pids of the master's children, oldest first; of a single Uvicorn, its own."""
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

        `gone` is the pid of a worker that must have ended first.
        Raises TimeoutError after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            ready = self._workers_ready()
            if len(ready) == count and gone not in ready:
                return ready
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{count} workers expected, {len(ready)} ready after {timeout:g} s; "
                    f"the log ends:\n{last_lines(self.log)}"
                )
            time.sleep(0.005)

    def stop(self, grace: float = guard.GRACE) -> None:
        """End the server: TERM, up to `grace` seconds of waiting, KILL.

        A second call does nothing. 0 is for a server that has nothing to end in good order.
        """
        if self._last_log is None:
            self._end(grace)

    def _end(self, grace: float) -> None:
        ask_to_end(self._guard, grace)
        self._guard.wait(grace + 10)
        self._read_events()
        if self._guard.returncode != 0:  # somebody killed the guard
            guard.end(self._marker, self._leader, self._guard.pid, grace)
            shutil.rmtree(self.folder, ignore_errors=True)
        self._guard.stdin.close()
        self._guard.stdout.close()
        reports.forget(self._reports)
        self._last_log = self.log
        self._log.close()
        if _running.get(self.name) is self:
            del _running[self.name]

    def _start_guard(self, env: dict[str, str]) -> None:
        inherited = {name: os.environ[name] for name in os.environ if not _SETTINGS.fullmatch(name)}
        environment = {**inherited, **env}
        # The commands typed here are this environment's, whatever the shell's PATH says.
        path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
        argv = shlex.split(self.command)
        program = shutil.which(argv[0], path=path)
        if program is None:
            raise ServerDidNotStart(f"There is no command {argv[0]!r} in this environment.")
        log = str(self.folder / "server.log")
        # The guard removes the folder with the server; what is open can be read all the same.
        self._log = open(log, "w+b", buffering=0)  # noqa: SIM115
        environment["PATH"] = path
        environment[guard.MARKER] = self._marker
        environment[REPORT_TO] = str(self._reports)
        environment["PYTHONUNBUFFERED"] = "1"
        # By default all masters of a user share one control socket.
        control = shlex.join(["--control-socket", str(self.folder / "control")])
        arguments = environment.get("GUNICORN_CMD_ARGS", "")
        environment["GUNICORN_CMD_ARGS"] = f"{arguments} {control}".strip()
        reports.listen(self._reports)
        try:
            self._guard = start_guard(
                str(self.folder), str(self._cwd), log, program, *argv[1:], env=environment
            )
        except BaseException:
            reports.forget(self._reports)
            raise

    def _wait_for_pid(self) -> int:
        waiting = select.select([self._guard.stdout], [], [], 10)[0]
        line = self._guard.stdout.readline().decode() if waiting else "- no answer in 10 s"
        event, _, detail = line.strip().partition(" ")
        if event != "started":
            raise ServerDidNotStart(f"{self.command}\n{detail or 'the guard process ended'}")
        return int(detail)

    def _read_events(self) -> None:
        """Note what the guard has said of the server's end."""
        while not self._gone and select.select([self._guard.stdout], [], [], 0)[0]:
            event, _, detail = self._guard.stdout.readline().decode().strip().partition(" ")
            if event == "exited":
                self.exit_code = int(detail)
            # An empty line: the guard itself has ended.
            self._gone = event in ("gone", "")

    def _wait_until_ready(self, timeout: float) -> None:
        """Return when the server answers and has all of its workers."""
        answered, failing_since, next_look = False, None, self._launched + 1
        problem = "did not answer"
        with contextlib.closing(Question(self.url)) as question:
            while not (answered and self._has_its_workers()):
                if answered:
                    problem = "did not have all of its workers"
                    time.sleep(0.005)
                elif question.answered():
                    # Another program may have the port.
                    answered = self._listens()
                    time.sleep(0 if answered else 0.05)
                now = time.monotonic()
                self._read_events()
                if self._gone:
                    raise self._did_not_start(f"ended with exit code {self.exit_code}")
                if now > self._launched + timeout:
                    self._look_elsewhere()
                    raise self._did_not_start(f"{problem} within {timeout:g} s")
                # Not every server leaves when it fails: `uvicorn --workers` starts its workers
                # again and again, and Gunicorn tries a taken port five times.
                log = self._end_of_log()
                if failing_since is None and has_failed(log):
                    failing_since = now
                if failing_since is not None and now > failing_since + 0.5:
                    raise self._did_not_start("reported an error and did not answer")
                if not answered and now > next_look and is_listening(log):
                    next_look = now + 1
                    self._look_elsewhere()

    def _has_its_workers(self) -> bool:
        """Whether as many have started as the command asks for, if it does and the app reports."""
        count = workers_asked_for(self.command)
        if count is None or not reports.workers_started(self._launched):
            return True
        return len(self._workers_ready()) == count

    def _workers_ready(self) -> list[int]:
        started = reports.workers_started(self._launched)
        return [pid for pid in self.workers if pid in started]

    def _listens(self) -> bool:
        """Whether the master, or a worker, listens where the command line says."""
        for pid in [self.pid, *self.workers]:
            sockets = processes.listening([pid])
            self._refuse_beyond_loopback(sockets)
            if any(held.port == self.port for held in sockets):
                return True
        return False

    def _look_elsewhere(self) -> None:
        """Raise if this server listens, but not where the command line says."""
        sockets = processes.listening(self.pids)
        self._refuse_beyond_loopback(sockets)
        if sockets and all(held.port != self.port for held in sockets):
            raise self._did_not_start(
                f"listens at {sockets[0].address} and not at 127.0.0.1:{self.port}, as the command "
                "line has it",
                "An address is to be said on the command line, where it overrides the others.",
            )

    def _refuse_beyond_loopback(self, sockets: list[processes.Socket]) -> None:
        for held in sockets:
            if not ipaddress.ip_address(held.host).is_loopback:
                raise ValueError(beyond(self.command, held.address))

    def _end_of_log(self) -> str:
        # It may be long, and is looked at often.
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 65536))
        return self._log.read().decode(errors="replace")

    def _did_not_start(self, what: str, advice: str = "") -> ServerDidNotStart:
        log = self._end_of_log()
        known = [advice or cause(log), misspelt_settings(self.command, self._cwd)]
        told = "\n".join(filter(None, known)) or "The log may tell why."
        kind = PortTaken if is_port_taken(log) else ServerDidNotStart
        return kind(f"{self.command}\n{what}. {told}\nThe log ends:\n{last_lines(log)}")

    def _members(self) -> list[psutil.Process]:
        return guard.members(self._marker, self._leader, self._guard.pid)


def adopt(process: subprocess.Popen, name: str = "server") -> None:
    """Let a process that you started yourself end with this notebook, however that ends.

    Start it with `start_new_session=True`. Adopting another of the same name ends the first.
    """
    if os.getsid(process.pid) != process.pid:
        raise ValueError("start the process with start_new_session=True")
    end(name)
    marker = uuid.uuid4().hex
    its_guard = start_guard(str(process.pid), env={**os.environ, guard.MARKER: marker})
    _adopted[name] = process, its_guard, marker


def release(name: str) -> None:
    """End the adopted process of this name, if there is one."""
    if name not in _adopted:
        return
    process, its_guard, marker = _adopted[name]
    ask_to_end(its_guard, guard.GRACE)
    its_guard.wait(guard.GRACE + 10)
    if its_guard.returncode != 0:  # somebody killed the guard
        guard.end(marker, process.pid, its_guard.pid, guard.GRACE)
    its_guard.stdin.close()
    its_guard.stdout.close()
    process.wait(1)
    del _adopted[name]


def end(name: str, grace: float = guard.GRACE) -> None:
    """End whatever server this notebook started under this name; `grace` as in Server.stop."""
    if name in _running:
        _running[name].stop(grace)
    release(name)


def stop_all() -> None:
    """Stop every server that this notebook started."""
    # All at once: together they need no longer than the slowest.
    for its_guard in [server._guard for server in _running.values()]:
        ask_to_end(its_guard, guard.GRACE)
    for name in {*_running, *_adopted}:
        end(name)


def last_lines(log: str, count: int = 15) -> str:
    """The end of a log, indented."""
    return "\n".join(f"    {line}" for line in log.splitlines()[-count:]) or "    (empty)"
