"""However a notebook ends, its servers end with it; and they survive an interrupt of the kernel.

Each test has one kernel, or one run of pytest, with a server of every kind side by side, lets it
end in one way, and looks for what is left: processes which carry the test's own environment
variable, whatever became of their parents and sessions; the servers' folders; their ports.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import nbformat
import psutil
import pytest
from jupyter_client import BlockingKernelClient

from tests.helpers import KINDS, TOKEN, command, describe, is_taken, kill, offspring, wait_until
from tests.kernels import SocketKernelManager

pytestmark = pytest.mark.slow

LIMIT = 8.0  # seconds from the end of the owner to the end of the last process of its servers
LIMITS = {"asgi": 15.0}
# The app of the settings' trials starts in a third of the time that one with FastAPI takes.
COMMANDS = {kind: command(kind, "served:app") for kind in KINDS}

TELL = """
import json, os, pathlib

def tell(name, value):
    "Tell the test, by a file which is complete as soon as it is there."
    pathlib.Path(name + ".new").write_text(json.dumps(value))
    os.replace(name + ".new", name)
"""
LAUNCH = """
import http.client, time
from workerlab import Server, burst, stop_all

servers, idle = {}, []
for kind, command in COMMANDS.items():
    folder = "workerlab/server/settings"
    servers[kind] = server = Server(command, name=kind, cwd=folder, timeout=60)
    # A connection that stays open is what the servers are slowest to give up.
    idle.append(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5))
    idle[-1].request("GET", "/health")
    idle[-1].getresponse().read()

tell("servers", {
    kind: {"pid": server.pid, "port": server.port, "marker": server._guard.marker}
    for kind, server in servers.items()
})
"""
# The file `in progress` appears when the requests' handlers have begun.
REQUESTS = """
import asyncio

async def tell_when_in_progress():
    await asyncio.sleep(0.5)
    tell("in progress", True)

telling = asyncio.ensure_future(tell_when_in_progress())
try:
    run = await burst([server.url + "PATH" for server in servers.values()], timeout=60)
finally:
    tell("ended", time.monotonic())
"""
SLEEPING = """
tell("in progress", True)
try:
    time.sleep(60)
finally:
    tell("ended", time.monotonic())
"""
BLOCKING = REQUESTS.replace("PATH", "/block?seconds=25")
AWAITING = REQUESTS.replace("PATH", "/wait?seconds=25")
BY_HAND = """
import subprocess, sys, time, urllib.request
from workerlab.ports import free_port
from workerlab.server import ROOT, adopt

port = free_port()
command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)]
log = open("log", "w")
server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
adopt(server)

def ask():
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return json.load(opener.open(f"http://127.0.0.1:{port}/", timeout=5))["worker_pid"]

for _ in range(1000):
    try:
        assert ask() == server.pid
        break
    except OSError:
        time.sleep(0.05)
tell("servers", {"by hand": {"pid": server.pid, "port": port}})
"""


class Owner:
    """What owns servers and comes to an end, and what is to be left of it: nothing."""

    def __init__(self, folder: Path) -> None:
        self.token = uuid.uuid4().hex
        self.folder = folder
        # Short, because the path of a Unix socket has at most about 100 bytes.
        self.temporary = Path(tempfile.mkdtemp(prefix="ends-"))
        self.env = {**os.environ, TOKEN: self.token, "TMPDIR": str(self.temporary)}
        self._kernels: list[SocketKernelManager] = []
        self._clients: list[BlockingKernelClient] = []
        self._pytest: subprocess.Popen | None = None

    def start_pytest(self, *cells: str, cell_timeout: float = 60) -> subprocess.Popen:
        """Run strict pytest over a notebook of these cells."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        nbformat.write(notebook, self.folder / "lesson.ipynb")
        plugins = ["-p", "no:cacheprovider", "-p", "workerlab.course.without_iri"]
        arguments = [*plugins, "--nbval", "--nbval-current-env", "lesson.ipynb"]
        with open(self.folder / "pytest.log", "w") as log:
            self._pytest = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "pytest",
                    f"--nbval-cell-timeout={cell_timeout}",
                    *arguments,
                ],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self._pytest

    def start_kernel(self) -> "Kernel":
        manager = SocketKernelManager()
        self._kernels.append(manager)
        manager.start_kernel(env=self.env, cwd=str(self.folder))
        client = manager.blocking_client()
        self._clients.append(client)
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return Kernel(manager, client)

    def wait_for(self, name: str) -> object:
        """What the notebook told under this name."""
        file = self.folder / name
        wait_until(file.exists, 90, f"the notebook tells {name!r}")
        return json.loads(file.read_text())

    def servers(self) -> dict[str, dict]:
        return self.wait_for("servers")

    def left(self) -> list[psutil.Process]:
        """The live processes of servers and guards."""
        return [process for process in offspring(self.token) if not is_owner(process)]

    def assert_nothing_left(self, record_property) -> None:
        """Within the time limit, beginning now."""
        servers = self.servers()
        ended = time.monotonic()
        last = dict.fromkeys(servers, 0.0)
        kinds = {told.get("marker"): kind for kind, told in servers.items()}
        while left := self.left():
            now = time.monotonic() - ended
            for process in left:
                kind = kinds.get(marker_of(process), "?")
                last[kind] = now
                assert now < LIMITS.get(kind, LIMIT), (kind, describe(left))
            time.sleep(0.1)
        record_property("seconds", {kind: round(seconds, 1) for kind, seconds in last.items()})
        assert list(self.temporary.glob("workerlab-*")) == []
        for told in servers.values():
            assert not is_taken(told["port"])

    def clean_up(self) -> None:
        for client in self._clients:
            client.stop_channels()
        for manager in self._kernels:
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)
            manager.cleanup_resources()
        if self._pytest is not None and self._pytest.poll() is None:
            self._pytest.kill()
            self._pytest.wait()
        kill(offspring(self.token))
        shutil.rmtree(self.temporary, ignore_errors=True)


class Kernel:
    """A notebook's kernel, and the notebook's side of it."""

    def __init__(self, manager: SocketKernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self._client = client

    def send(self, code: str) -> str:
        # By default, a cell sent within a tenth of a second of an error is not run.
        return self._client.execute(code, stop_on_error=False)

    def reply(self, message: str, timeout: float = 90) -> dict:
        """The reply to what was sent."""
        deadline = time.monotonic() + timeout
        while True:
            reply = self._client.get_shell_msg(timeout=deadline - time.monotonic())
            if reply["parent_header"]["msg_id"] == message:
                return reply["content"]

    def run(self, code: str) -> None:
        content = self.reply(self.send(code))
        assert content["status"] == "ok", "\n".join(content["traceback"])

    def kill(self) -> None:
        # Not through the manager, which kills the whole process group.
        os.kill(self.manager.provisioner.pid, signal.SIGKILL)


def is_owner(process: psutil.Process) -> bool:
    """Whether this is a kernel, something it forked, or pytest."""
    try:
        return process.cmdline()[1:3] in (["-m", "ipykernel_launcher"], ["-m", "pytest"])
    except (psutil.Error, OSError):
        return True  # it ended while it was looked at


def marker_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("WORKERLAB_SERVER")
    except (psutil.Error, OSError):
        return None


def launch(commands: dict[str, str] = COMMANDS) -> str:
    return f"{TELL}\nCOMMANDS = {commands!r}\n{LAUNCH}"


@pytest.fixture
def owner(tmp_path) -> Iterator[Owner]:
    owner = Owner(tmp_path)
    try:
        yield owner
    finally:
        owner.clean_up()


# The ends of a run of pytest.


def test_normal_end_without_stop(owner, record_property):
    pytest_run = owner.start_pytest(launch())
    assert pytest_run.wait(120) == 0, (owner.folder / "pytest.log").read_text()
    owner.assert_nothing_left(record_property)


def test_exception_in_a_cell(owner, record_property):
    pytest_run = owner.start_pytest(launch(), "1 / 0")
    assert pytest_run.wait(120) == 1
    assert "ZeroDivisionError" in (owner.folder / "pytest.log").read_text()
    owner.assert_nothing_left(record_property)


def test_time_out_of_a_cell(owner, record_property):
    # A cell to each server, so that starting them stays below the limit on a busy machine.
    cells = [launch({}), *(f"COMMANDS = {{{kind!r}: {COMMANDS[kind]!r}}}" for kind in KINDS)]
    start = LAUNCH.partition("servers, idle = {}, []\n")[2]
    cells[1:] = [f"{cell}\n{start}" for cell in cells[1:]]
    pytest_run = owner.start_pytest(*cells, BLOCKING, cell_timeout=12)
    assert pytest_run.wait(180) == 1
    # nbval interrupts the kernel when the time is over.
    assert ", 0 of 4 answered" in (owner.folder / "pytest.log").read_text()
    assert set(owner.servers()) == set(KINDS)
    owner.assert_nothing_left(record_property)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_pytest_is_ended(name, owner, record_property):
    pytest_run = owner.start_pytest(launch(), BLOCKING)
    owner.wait_for("in progress")
    assert len(owner.left()) >= 2 * len(KINDS)
    pytest_run.send_signal(getattr(signal, name))
    pytest_run.wait(30)
    owner.assert_nothing_left(record_property)


# The ends of a kernel.


@pytest.mark.parametrize(
    "cell",
    [BLOCKING, AWAITING, "tell('in progress', True)"],
    ids=["blocking requests", "awaiting requests", "no request"],
)
def test_kernel_is_killed(cell, owner, record_property):
    kernel = owner.start_kernel()
    kernel.run(launch())
    kernel.send(cell)
    owner.wait_for("in progress")
    kernel.kill()
    owner.assert_nothing_left(record_property)


@pytest.mark.parametrize("now", [False, True])
def test_kernel_is_restarted(now, owner, record_property):
    kernel = owner.start_kernel()
    kernel.run(launch())
    kernel.manager.restart_kernel(now=now)
    owner.assert_nothing_left(record_property)
    kernel.run("from workerlab.server import server; assert not server._running")


def test_kernel_is_shut_down(owner, record_property):
    kernel = owner.start_kernel()
    kernel.run(launch())
    kernel.manager.shutdown_kernel()
    owner.assert_nothing_left(record_property)


# The ends which a cell brings about.


@pytest.mark.parametrize("cell", ["for server in servers.values(): server.stop()", "stop_all()"])
def test_stopped_by_a_cell(cell, owner, record_property):
    kernel = owner.start_kernel()
    kernel.run(launch())
    kernel.run(cell)
    # When the cell is done, so are the servers; nothing has to be waited for.
    assert describe(owner.left()) == []
    owner.assert_nothing_left(record_property)


def test_launched_again(owner, record_property):
    kernel = owner.start_kernel()
    kernel.run(launch())
    first = owner.servers()
    kernel.run(launch())
    second = owner.servers()
    markers = {marker_of(process) for process in owner.left()}
    assert markers == {told["marker"] for told in second.values()}
    assert not any(is_taken(told["port"]) for told in first.values())
    kernel.run("assert all(server.pids for server in servers.values())")
    kernel.run("tell('counts', [len(server.pids) for server in servers.values()])")
    # uvicorn --workers has a helper of multiprocessing, besides its master and its two workers.
    assert owner.wait_for("counts") == [1, 4, 3, 3]
    kernel.kill()
    owner.assert_nothing_left(record_property)


# Servers which leave their parent, or lose it.

GUNICORN = COMMANDS["uvicorn-worker"]
RUNAWAYS = {
    "--daemon": f"{GUNICORN} --daemon",
    "daemon = True": f"{GUNICORN} --config CONFIG",
    "daemon = True, asgi": f"{COMMANDS['asgi']} --config CONFIG",
    "USR2": GUNICORN,
    "USR2, then TERM to the old master": GUNICORN,
    "master killed": GUNICORN,
    "master killed, uvicorn --workers": COMMANDS["uvicorn --workers"],
    "start script": f"sh -c '{GUNICORN}; echo ended'",
    "start script, master killed": f"sh -c '{GUNICORN}; sleep 60'",
    "start script which ends first": f"sh -c 'nohup {GUNICORN} & sleep 3'",
}
RUN_AWAY = """
for kind, server in servers.items():
    if "USR2" in kind:
        old = server.pids
        server.signal("USR2")
        deadline = time.monotonic() + 20
        while len(server.pids) < 6 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(server.pids) == 6, (kind, server.tree(), server.log)
    if "TERM" in kind:
        server.signal("TERM")
        while set(old) & set(server.pids) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(server.pids) == 3, (kind, server.pids, server.log)
    if "killed" in kind:
        server.signal("KILL")
        time.sleep(0.5)
    assert len(server.pids) >= 2, (kind, server.pids)
"""


@pytest.mark.parametrize("end", ["kernel killed", "stop_all"])
def test_runaways(end, owner, record_property):
    configuration = owner.folder / "daemon.conf.py"
    configuration.write_text("daemon = True\n")
    kernel = owner.start_kernel()
    commands = {k: c.replace("CONFIG", str(configuration)) for k, c in RUNAWAYS.items()}
    kernel.run(launch(commands))
    kernel.run(RUN_AWAY)
    if end == "stop_all":
        kernel.run("stop_all()")
        assert describe(owner.left()) == []
    else:
        kernel.kill()
    owner.assert_nothing_left(record_property)


FORKS = {
    "os.fork": """
        if os.fork() == 0:
            tell("in progress", True)
            time.sleep(60)
            os._exit(0)
    """,
    "multiprocessing": """
        import multiprocessing
        sleeper = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        sleeper.start()
        tell("in progress", True)
    """,
}


@pytest.mark.parametrize("fork", FORKS)
def test_a_forked_process_holds_the_pipe(fork, owner, record_property):
    kernel = owner.start_kernel()
    kernel.run(launch())
    kernel.send(dedent(FORKS[fork]))
    owner.wait_for("in progress")
    kernel.kill()
    wait_until(lambda: not kernel.manager.is_alive(), 5, "the kernel's end")
    # The servers are ending, and what ends while it is looked at counts as well.
    wait_until(
        lambda: sum(map(is_owner, offspring(owner.token))) == 1, 10, "the forked process alone"
    )
    owner.assert_nothing_left(record_property)


# A server started by hand and adopted, as in lesson 01.


@pytest.mark.parametrize("end", ["normal", "exception", "kernel killed"])
def test_adopted_server_ends(end, owner, record_property):
    if end == "kernel killed":
        kernel = owner.start_kernel()
        kernel.run(TELL + BY_HAND)
        kernel.kill()
    else:
        pytest_run = owner.start_pytest(TELL + BY_HAND, "1 / 0" if end == "exception" else "")
        assert pytest_run.wait(120) == (1 if end == "exception" else 0)
    owner.assert_nothing_left(record_property)


def test_adopted_server_survives_an_interrupt(owner, record_property):
    kernel = owner.start_kernel()
    kernel.run(TELL + BY_HAND)
    assert interrupt(kernel, SLEEPING, owner) < 1
    kernel.run("assert ask() == server.pid")
    kernel.manager.shutdown_kernel()
    owner.assert_nothing_left(record_property)


# An interrupt is no end.


def interrupt(kernel: Kernel, code: str, owner: Owner) -> float:
    """Interrupt the kernel when this cell is in progress; the seconds until its work has ended."""
    message = kernel.send(code)
    owner.wait_for("in progress")
    began = time.monotonic()
    kernel.manager.interrupt_kernel()
    content = kernel.reply(message, timeout=10)
    assert content["status"] == "error"
    assert content["ename"] in ("KeyboardInterrupt", "CancelledError")
    # The kernel's clock is this one. Its reply comes later: first it formats the traceback.
    return owner.wait_for("ended") - began


@pytest.mark.parametrize("cell", [AWAITING, SLEEPING], ids=["burst", "time.sleep"])
def test_servers_survive_an_interrupt(cell, owner, record_property):
    kernel = owner.start_kernel()
    kernel.run(launch())
    before = {process.pid for process in owner.left()}
    seconds = interrupt(kernel, cell, owner)
    record_property("interrupted", round(seconds, 2))
    assert seconds < 1
    kernel.run("run = await burst([server.url + '/health' for server in servers.values()], 4)")
    kernel.run("assert [record.status for record in run.records] == [200] * 16, run.records")
    # The same processes, and all of them.
    assert {process.pid for process in owner.left()} == before
    kernel.manager.shutdown_kernel()
    owner.assert_nothing_left(record_property)
