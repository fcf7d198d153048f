"""Inspecting processes: the tree of a server, who holds its socket, and what was left behind."""

import os
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil

from workerlab import ROOT
from workerlab.server.guard_process import MARKER

SERVERS = ("gunicorn", "uvicorn")


@dataclass(frozen=True)
class Socket:
    """One process's hold on a listening socket.

    `inode` is the system's number for the socket: two processes with the same number hold the same
    socket. It is None where the system does not say (everywhere except on Linux).
    """

    pid: int
    host: str
    port: int
    inode: int | None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


def tree(pid: int) -> str:
    """The process `pid` and its live children as lines of text, a worker below its master."""
    try:
        master = psutil.Process(pid)
        children = [child for child in master.children() if is_alive(child.pid)]
    except psutil.NoSuchProcess:
        return f"no process with pid {pid}"
    children.sort(key=lambda child: child.pid)
    if not children:
        return f"{_name(master)}  pid {pid}"
    lines = [f"{_name(master)}, master  pid {pid}"]
    for child in children:
        corner = "└─" if child is children[-1] else "├─"
        role = "helper of multiprocessing" if is_helper(child) else "worker"
        lines.append(f"{corner} {role}  pid {child.pid}")
    return "\n".join(lines)


def is_helper(process: psutil.Process) -> bool:
    """Whether this is not a worker but the tracker that Python's multiprocessing adds."""
    return "resource_tracker" in command(process)


def listening(pids: list[int], port: int | None = None) -> list[Socket]:
    """Which of these processes hold a TCP socket that listens, on `port` or on any."""
    found = []
    for pid in pids:
        try:
            connections = psutil.Process(pid).net_connections(kind="tcp")
        except psutil.Error:
            continue  # it has ended
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN and port in (None, connection.laddr.port):
                found.append(Socket(pid, *connection.laddr[:2], _inode(pid, connection.fd)))
    return found


def is_alive(pid: int) -> bool:
    """Whether the process exists and has not exited; a zombie has."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command(process: psutil.Process) -> str:
    """The process's command line; empty if it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def stray_servers() -> list[psutil.Process]:
    """Servers that the kit started and whose guard is gone; there should never be one."""
    guarded, servers = set(), []
    for process in psutil.process_iter():
        try:
            if process.uids().real != os.getuid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            marker = process.environ().get(MARKER)
            if marker and "workerlab/server/guard_process.py" in command(process):
                guarded.add(marker)
            elif marker:
                servers.append((marker, process))
        except (psutil.Error, OSError):
            continue
    return [process for marker, process in servers if marker not in guarded]


def servers_started_by_hand() -> list[psutil.Process]:
    """Servers of this repository's app that neither the kit nor a notebook ends.

    Of each only the first process: its workers end with it.
    """
    servers, guarded = {}, set()
    for process in psutil.process_iter():
        try:
            if process.uids().real != os.getuid():
                continue
            arguments = process.cmdline()
            if "guard_process.py" in " ".join(arguments):
                guarded.update(arguments)  # the pid of one that is adopted is an argument
            elif MARKER not in process.environ() and serves_app(arguments, process.cwd()):
                servers[process.pid] = process
        except (psutil.Error, OSError):
            continue
    return [
        process
        for process in servers.values()
        if str(process.pid) not in guarded and process.ppid() not in servers
    ]


def serves_app(arguments: list[str], folder: str) -> bool:
    """Whether this command, typed in this folder, serves the app of this repository."""
    programs = [argument for argument in arguments[:4] if Path(argument).name in SERVERS]
    if not programs:
        return False
    for option, value in pairwise(arguments):
        if option in ("--chdir", "--app-dir"):
            folder = os.path.join(folder, value)
    place = Path(folder).resolve()
    if "app.main:app" in arguments:
        return place.is_relative_to(ROOT) or Path(programs[0]).is_relative_to(ROOT)
    return "main:app" in arguments and place == ROOT / "app"


def _name(process: psutil.Process) -> str:
    """The program and not its interpreter: `gunicorn`, rather than `python /…/bin/gunicorn`."""
    try:
        for part in process.cmdline():
            name = Path(part).name
            if not name.startswith(("python", "Python")) and not part.startswith("-"):
                return name
        return process.name()
    except psutil.Error:
        return "ended"


def _inode(pid: int, descriptor: int) -> int | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return os.stat(f"/proc/{pid}/fd/{descriptor}").st_ino
    except FileNotFoundError:
        return None  # it has been closed meanwhile
