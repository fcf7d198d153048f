"""Starting and stopping the servers of a notebook."""

import argparse
import contextlib
import ipaddress
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from workerlab import guard, processes
from workerlab.probe import REPORT_TO
from workerlab.reports import reports
from workerlab.start_errors import ServerDidNotStart, cause, misspelt_settings

ROOT = Path(__file__).resolve().parent.parent
_running: dict[str, "Server"] = {}
_adopted: dict[str, tuple[subprocess.Popen, subprocess.Popen[bytes]]] = {}


class Server:
    """A server in processes of its own, started as from a shell and ready when this returns.

        server = Server("uvicorn app.main:app --port {port}")

    `command` is what one would type in the repository's folder; `{port}` becomes a free port.
    A notebook has one server at a time: starting another stops the first, so a cell may be run
    twice. Give a `name` to each of several that shall run side by side. `env` adds environment
    variables; `cwd` is the folder to start in; `timeout` the seconds it may take to be ready.
    With `--workers N` in the command, ready means that all N workers have started.

    However the notebook ends, its servers end with it: see `workerlab.guard`.

    Raises ServerDidNotStart with the end of the log and, where it is known, the cause; ValueError
    for a command which would listen beyond this machine.
    """

    def __init__(
        self,
        command: str,
        *,
        name: str = "server",
        env: dict[str, str] | None = None,
        cwd: Path = ROOT,
        timeout: float = 15.0,
    ) -> None:
        if name in _running:
            _running[name].stop()
        self.name = name
        self.command = command.replace("{port}", str(free_port()))
        host, self.port = address_of(self.command)
        self.url = f"http://{host}:{self.port}"
        self._cwd = Path(cwd)
        self._folder = Path(tempfile.mkdtemp(prefix="workerlab-"))
        self._log = self._folder / "server.log"
        self._last_log: str | None = None
        self._marker = uuid.uuid4().hex
        self._started_before = set(reports().workers_started())
        self.exit_code: int | None = None
        self._guard = self._start_guard(env or {})
        _running[name] = self
        try:
            self._leader = self._pid = self._wait_for_pid()
            self._wait_until_ready(timeout)
        except BaseException:
            self.stop()
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
        try:
            return self._log.read_text(errors="replace")
        except FileNotFoundError:
            return ""

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
        return sorted(process.pid for process in self._members())

    @property
    def workers(self) -> list[int]:
        """The pids of the master's children, oldest first; of a single Uvicorn, its own."""
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
        number = getattr(signal, f"SIG{name.upper().removeprefix('SIG')}", None)
        if number is None:
            raise ValueError(f"there is no signal {name!r}; try HUP, TERM, TTIN, TTOU or KILL")
        os.kill(self.pid, number)

    def wait_for_workers(
        self, count: int, *, gone: int | None = None, timeout: float = 15.0
    ) -> list[int]:
        """Wait until `count` workers have started and are alive; return their pids.

        `gone` is the pid of a worker that must have ended first.
        Raises TimeoutError after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            started = reports().workers_started() - self._started_before
            ready = [pid for pid in self.workers if pid in started]
            if len(ready) == count and gone not in ready:
                return ready
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{count} workers expected, {len(ready)} ready after {timeout:g} s; "
                    f"the log ends:\n{last_lines(self.log)}"
                )
            time.sleep(0.005)

    def stop(self) -> None:
        """End the server: TERM, up to 5 seconds of waiting, KILL. A second call does nothing."""
        if self._last_log is not None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.write(b"keep\n")
            self._guard.stdin.close()
        self._guard.wait(guard.GRACE + 10)
        self._read_events()
        self._guard.stdout.close()
        self._last_log = self.log
        shutil.rmtree(self._folder, ignore_errors=True)
        if _running.get(self.name) is self:
            del _running[self.name]

    def _start_guard(self, env: dict[str, str]) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **env}
        # The commands typed here are this environment's, whatever the shell's PATH says.
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        environment[guard.MARKER] = self._marker
        environment[REPORT_TO] = str(reports().port)
        environment["PYTHONUNBUFFERED"] = "1"
        # By default all masters of a user share one control socket.
        environment["GUNICORN_CMD_ARGS"] = (
            f"{environment.get('GUNICORN_CMD_ARGS', '')} --control-socket {self._folder}/control"
        ).strip()
        argv = shlex.split(self.command)
        program = shutil.which(argv[0], path=environment["PATH"])
        if program is None:
            shutil.rmtree(self._folder)
            raise ServerDidNotStart(f"There is no command {argv[0]!r} in this environment.")
        spec = {
            "argv": [program, *argv[1:]],
            "cwd": str(self._cwd),
            "log": str(self._log),
            "folder": str(self._folder),
        }
        return start_guard(spec, environment)

    def _wait_for_pid(self) -> int:
        line = self._guard.stdout.readline().decode()
        event, _, detail = line.strip().partition(" ")
        if event != "started":
            raise ServerDidNotStart(f"{self.command}\n{detail or 'the guard process ended'}")
        return int(detail)

    def _read_events(self) -> str:
        """What the guard said of the server's end; empty while it runs."""
        line = b""
        while select.select([self._guard.stdout], [], [], 0)[0]:
            line = self._guard.stdout.readline()
            if not line:
                break
            _, code, left = line.decode().split()
            self.exit_code = int(code)
            if left == "0":
                return "ended"
        return ""

    def _wait_until_ready(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        question = Question(self.url)
        known_since: float | None = None
        while not question.answered():
            now = time.monotonic()
            if self._read_events() == "ended":
                raise self._did_not_start(f"ended with exit code {self.exit_code}")
            if known_since is None and cause(self.log):
                known_since = now
            # Not every server leaves when it fails: `uvicorn --workers` waits for better code.
            if known_since is not None and now > known_since + 1:
                raise self._did_not_start("reported an error and did not answer")
            if now > deadline:
                raise self._did_not_start(f"did not answer within {timeout:g} s")
        count = workers_asked_for(self.command)
        if count and reports().workers_started() - self._started_before:
            self.wait_for_workers(count, timeout=deadline - time.monotonic())

    def _did_not_start(self, what: str) -> ServerDidNotStart:
        log = self.log
        advice = cause(log) or misspelt_settings(self.command, self._cwd) or "The log may tell why."
        return ServerDidNotStart(
            f"{self.command}\n{what}. {advice}\nThe log ends:\n{last_lines(log)}"
        )

    def _members(self) -> list[psutil.Process]:
        return guard.members(self._marker, self._leader, self._guard.pid)


class Question:
    """One `GET /health`, asked as soon as there is somebody to connect to.

    A listening socket takes the connection before its workers are there to answer. So the request
    is sent once, and the answer comes at the very moment at which the first worker is ready.
    """

    def __init__(self, url: str) -> None:
        self._address = (urlsplit(url).hostname, urlsplit(url).port)
        self._connection: socket.socket | None = None

    def answered(self) -> bool:
        """Whether an HTTP answer has come, whatever its status. Waits for up to 5 ms."""
        try:
            if self._connection is None:
                self._connection = socket.create_connection(self._address, timeout=1)
                self._connection.sendall(
                    b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
            if not select.select([self._connection], [], [], 0.005)[0]:
                return False
            answer = self._connection.recv(1024)
        except OSError:
            time.sleep(0.005)
            answer = b""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        return answer.startswith(b"HTTP/")


def start_guard(spec: dict[str, object], env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a guard process; it does its work when its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, json.dumps(spec)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=env,
        start_new_session=True,
    )


def adopt(process: subprocess.Popen, name: str = "server") -> None:
    """Let a process that you started yourself end with this notebook, however that ends.

    Start it with `start_new_session=True`. Adopting another of the same name ends the first.
    """
    if os.getsid(process.pid) != process.pid:
        raise ValueError("start the process with start_new_session=True")
    release(name)
    environment = {**os.environ, guard.MARKER: uuid.uuid4().hex}
    _adopted[name] = process, start_guard({"pid": process.pid}, environment)


def release(name: str) -> None:
    """End the adopted process of this name, if there is one."""
    if name in _adopted:
        process, its_guard = _adopted.pop(name)
        its_guard.stdin.close()
        its_guard.wait(guard.GRACE + 10)
        its_guard.stdout.close()
        process.wait(1)


def stop_all() -> None:
    """Stop every server that this notebook started."""
    for server in list(_running.values()):
        server.stop()
    for name in list(_adopted):
        release(name)


def free_port() -> int:
    """A TCP port of 127.0.0.1 which nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def address_of(command: str) -> tuple[str, int]:
    """The host and port at which the server of this command line will listen.

    Raises ValueError when that is beyond loopback.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--bind", "-b")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default="8000")
    try:
        given, _ = parser.parse_known_args(shlex.split(command)[1:])
    except argparse.ArgumentError as error:
        raise ValueError(f"{command}\n{error}") from None
    bind = given.bind or f"{given.host}:{given.port}"
    host, _, port = bind.rpartition(":")
    if not is_loopback(host):
        raise ValueError(
            f"{command}\nwould listen at {bind}, where other machines may reach it. "
            "The lessons' servers stay on this machine: use 127.0.0.1."
        )
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{command}\n{port!r} is not a port; use {{port}} for a free one")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether this host name or address is this machine and cannot be reached from another."""
    try:
        return host == "localhost" or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def workers_asked_for(command: str) -> int | None:
    """The N of `--workers N` or `-w N`; None if the command does not say."""
    match = re.search(r"(?:--workers[ =]|-w ?)(\d+)", command)
    return int(match[1]) if match else None


def last_lines(log: str, count: int = 15) -> str:
    """The end of a log, indented."""
    return "\n".join(f"    {line}" for line in log.splitlines()[-count:]) or "    (empty)"
