"""Is this machine ready for the lessons? One line per check: OK, or how to fix it.

Packages that a damaged environment may lack are imported within the checks, so that each can
say so.
"""

import importlib.metadata
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from workerlab import ROOT
from workerlab.course import jupyter
from workerlab.ports import free_port, is_free
from workerlab.status import status

REINSTALL = "delete the folder .venv and start ./learn"
GIB = 2**30
# The notebooks have at most 134 files open in a process, and 118 processes and threads; then there
# are bursts of 200 connections, JupyterLab, and the kernels of other notebooks.
OPEN_FILES = 300
PROCESSES = 200
ADVICE = (
    ("ImportError|ModuleNotFoundError|No module named|undefined symbol|dlopen", REINSTALL),
    ("No space left|[Qq]uota exceeded", "free some space on the disk"),
    ("Too many open files", "see the line on open files"),
    ("can't start new thread|temporarily unavailable", "see the line on processes"),
    ("Permission denied|Read-only file system", "check the owner and the permissions of this file"),
    ("TimeoutError|timed out", "close other programs and start ./learn doctor again"),
)


@dataclass(frozen=True)
class Finding:
    """What a check found. With something `to_do` it is not OK; only a serious one fails."""

    text: str
    to_do: str = ""
    serious: bool = True

    @property
    def failed(self) -> bool:
        return bool(self.to_do) and self.serious


def run() -> int:
    """Print a line for every check; 0 if none failed, else 1."""
    failed = False
    for name, check in CHECKS.items():
        if failed and check in NEED_THE_OTHERS:
            finding = Finding("not tried", "fix the problems above and look again", serious=False)
        else:
            finding = find(name, check)
        print(line(name, finding), flush=True)
        failed = failed or finding.failed
    return int(failed)


def find(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        with status(f"checking: {name}"):
            return check()
    except Exception as error:  # one check that breaks must not hide the others
        return failure([f"{type(error).__name__}: {error}"])


def failure(lines: list[str]) -> Finding:
    """The line of an output that tells of a known cause, or the last, and what to do about it."""
    for pattern, to_do in ADVICE:
        for text in reversed(lines):
            if re.search(pattern, text):
                return Finding(text, to_do)
    return Finding(lines[-1], "report this as an issue")


def line(name: str, finding: Finding) -> str:
    if not finding.to_do:
        return f"OK    {name}: {finding.text}"
    return f"{'FIX ' if finding.serious else 'NOTE'}  {name}: {finding.text}; {finding.to_do}"


def python() -> Finding:
    return Finding("{}.{}.{} in {}".format(*sys.version_info[:3], sys.prefix))


def packages() -> Finding:
    from workerlab.course import pins

    pinned = pins.pinned((ROOT / "constraints.txt").read_text())
    installed = {name: installed_version(name) for name in pinned}
    damaged = [name for name in pinned if installed[name] is None or lacks_files(name)]
    if damaged:
        return Finding(f"{some(damaged)} not complete", REINSTALL)
    direct = pins.pinned((ROOT / "requirements.txt").read_text())
    broken = import_error([module for name in direct for module in modules(name)])
    if broken:
        return Finding(broken, REINSTALL)
    return compare(pinned, installed)


def installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def lacks_files(name: str) -> bool:
    files = importlib.metadata.files(name) or []
    # Python makes compiled files anew by itself.
    return not all(file.suffix == ".pyc" or file.locate().exists() for file in files)


def modules(name: str) -> list[str]:
    """What a package brings to import."""
    files = importlib.metadata.files(name) or []
    alone = [file.stem for file in files if len(file.parts) == 1 and file.suffix == ".py"]
    folders = [file.parts[0] for file in files if file.parts[1:] == ("__init__.py",)]
    return sorted({*alone, *folders})


IMPORT_ALL = """
import importlib, sys
for module in sys.argv[1:]:
    print(module)
    sys.stdout.flush()
    importlib.import_module(module)
"""


def import_error(modules: list[str]) -> str:
    """What is wrong with the first that cannot be imported; empty if all can.

    In another process, since a damaged one may end it.
    """
    command = [sys.executable, "-P", "-c", IMPORT_ALL, *modules]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode == 0:
        return ""
    module = done.stdout.splitlines()[-1]
    reason = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
    return f"{module} cannot be imported ({reason[0]})"


def compare(pinned: dict[str, str], installed: dict[str, str | None]) -> Finding:
    """Installed versions against the pinned ones."""
    others = [
        f"{name} {installed[name] or 'missing'} instead of {version}"
        for name, version in pinned.items()
        if installed[name] != version
    ]
    if not others:
        return Finding(f"{len(pinned)} at their pinned versions")
    to_do = f"the lessons were tested with the pinned ones; to get those, {REINSTALL}"
    return Finding(some(others), to_do, serious=False)


def some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def ports() -> Finding:
    free = free_port()
    if is_free(jupyter.PORT):
        return Finding(f"{jupyter.PORT} and {free} are free on 127.0.0.1")
    note = "nothing to do: ./learn takes the next free one"
    return Finding(f"{jupyter.PORT} is taken", note, serious=False)


def cores() -> Finding:
    from workerlab import machine

    count = machine.cores_by_affinity()
    if count > 1:
        return Finding(f"{count} for this process, of {os.cpu_count()}")
    note = "experiments that need two cores will say that they are not measurable here"
    return Finding(f"1 for this process, of {os.cpu_count()}", note, serious=False)


def quota() -> Finding:
    from workerlab import machine

    limit = machine.cpu_quota()
    if limit is None:
        return Finding("no quota")
    if limit >= 1:
        return Finding(f"{limit:.2g} cores")
    note = "measured times will be long; give the container a core or more"
    return Finding(f"{limit:.2g} cores", note, serious=False)


def memory() -> Finding:
    from workerlab import machine

    available = machine.memory_available()
    text = f"{available / GIB:.1f} GiB available"
    if available >= GIB:
        return Finding(text)
    return Finding(text, "close other programs: JupyterLab and the servers need 1", serious=False)


def open_files() -> Finding:
    # JupyterLab goes up to the hard limit by itself.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit == resource.RLIM_INFINITY:
        return Finding("no limit")
    if limit >= OPEN_FILES:
        return Finding(f"{limit} per process")
    to_do = f"raise it to {OPEN_FILES} or more, in a new terminal: ulimit -n 1024"
    return Finding(f"{limit} per process", to_do)


START_MANY = """
import os, sys
count, (end, held) = 0, os.pipe()
try:
    while count < int(sys.argv[1]):
        if os.fork() == 0:
            os.close(held)
            os.read(end, 1)  # until the parent ends
            os._exit(0)
        count += 1
except OSError:
    pass
print(count)
"""


def more_processes() -> Finding:
    """Start as many processes as a lesson has threads and processes, for a moment.

    A limit is the user's or the container's, and what counts towards it differs.
    """
    try:
        command = [sys.executable, "-I", "-S", "-c", START_MANY, str(PROCESSES)]
        count = int(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout or 0)
    except BlockingIOError:
        count = 0
    if count >= PROCESSES:
        return Finding(f"{count} more can be started")
    to_do = f"close other programs, or raise the limit (ulimit -u) until {PROCESSES} can"
    return Finding(f"only {count} more can be started", to_do)


def strays() -> Finding:
    from workerlab.server import processes

    found = processes.stray_servers()
    if not found:
        return Finding("none left by earlier runs")
    pids = " ".join(str(process.pid) for process in found)
    return Finding(f"{len(found)} left by earlier runs", f"kill {pids}")


def by_hand() -> Finding:
    from workerlab.server import processes

    found = processes.servers_started_by_hand()
    if not found:
        return Finding("none is serving this repository's app")
    pids = " ".join(str(process.pid) for process in found)
    names = ", ".join(processes.command(process) for process in found)
    return Finding(f"running: {names}", f"when you are done with it: kill {pids}", serious=False)


SERVE = """
import sys
from workerlab.course import jupyter
jupyter.serve(None, port=int(sys.argv[1]), browser=False, allow_root=True)
"""


def jupyter_works(timeout: float = 120.0) -> Finding:
    """Serve JupyterLab as ./learn does, import the kit in a kernel of it, end both.

    It takes 4 s, ten times as long on a busy machine with a cold disk, and at most `timeout`.
    """
    started = time.monotonic()
    deadline = started + timeout
    with serving() as (server, output, log):
        try:
            raised = ask_kernel(address(server, output, deadline), "import workerlab", deadline)
        except Exception as error:
            said = log.read_text(errors="replace").splitlines()
            if not (said and isinstance(error, ChildProcessError)):
                said.append(f"{type(error).__name__}: {error}".splitlines()[0])
            return failure(said)
    if raised:
        return Finding(f"its kernel belongs to a different Python ({raised})", REINSTALL)
    return Finding(f"JupyterLab and a kernel answer after {time.monotonic() - started:.1f} s")


@contextmanager
def serving() -> Iterator[tuple[subprocess.Popen, Path, Path]]:
    """JupyterLab as ./learn starts it, the file with its output and the one with its errors."""
    command = [sys.executable, "-P", "-c", SERVE, str(free_port())]
    with tempfile.TemporaryDirectory() as folder:
        output, log = Path(folder, "output"), Path(folder, "log")
        with output.open("wb") as stdout, log.open("wb") as stderr:
            server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
            )
        try:
            yield server, output, log
        finally:
            stop(server)


def address(server: subprocess.Popen, output: Path, deadline: float) -> str:
    """Where JupyterLab says that it is. Raises TimeoutError, or ChildProcessError if it ends."""
    while server.poll() is None:
        line, end, _ = output.read_text().partition("\n")
        if end:
            return line
        if time.monotonic() > deadline:
            raise TimeoutError("JupyterLab did not start in time")
        time.sleep(0.05)
    raise ChildProcessError("JupyterLab exits while it starts")


def ask_kernel(address: str, code: str, deadline: float) -> str:
    """Run code in a new kernel of the JupyterLab at this address; what it raised, or nothing.

    Raises TimeoutError if the kernel has not answered by the deadline, in monotonic time.
    """
    from websocket import WebSocketTimeoutException, create_connection

    server, _, token = address.partition("/lab?token=")
    kernels = f"{server}/api/kernels"
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "doctor", "version": "5.3"}
    content = {"code": code, "silent": True}
    message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}}
    request = urllib.request.Request(
        f"{kernels}?token={token}", data=b'{"name": "python3"}', method="POST"
    )
    # Here and below: a proxy of the environment must not be asked for this machine's own pages.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=left(deadline)) as reply:
            kernel = json.load(reply)["id"]
        channels = f"{kernels.replace('http', 'ws', 1)}/{kernel}/channels?token={token}"
        direct = socket.create_connection(("127.0.0.1", urlsplit(server).port), left(deadline))
        with closing(create_connection(channels, left(deadline), socket=direct)) as channel:
            channel.send(json.dumps(message | {"content": content}))
            answer = {"msg_type": ""}
            while answer["msg_type"] != "execute_reply":
                channel.settimeout(left(deadline))
                answer = json.loads(channel.recv())
    except WebSocketTimeoutException as error:
        raise TimeoutError("a kernel did not answer in time") from error
    return answer["content"].get("evalue", "")


def left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("a kernel did not answer in time")
    return seconds


def stop(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": python,
    "open files": open_files,
    "processes": more_processes,
    "packages": packages,
    "cores": cores,
    "CPU quota": quota,
    "memory": memory,
    "ports": ports,
    "Jupyter": jupyter_works,
    "stray servers": strays,
    "other servers": by_hand,
}
# Where something else is wrong, these would fail for that and lead to the wrong advice.
NEED_THE_OTHERS = (packages, jupyter_works)
