"""Server: what it tells, what it refuses, and how it says why a server did not start."""

import http.server
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.request
import uuid
from pathlib import Path

import psutil
import pytest

from tests.helpers import KINDS, TOKEN, command, describe, is_taken, kill, offspring, wait_until
from workerlab import ports
from workerlab.checks.patience import patience
from workerlab.server import (
    ROOT,
    Server,
    adopt,
    commands,
    guard_process,
    launch,
    processes,
    stop_all,
)
from workerlab.server.commands import address_of
from workerlab.server.guard import Guard
from workerlab.server.start_errors import (
    ServerDidNotStart,
    cause,
    has_failed,
    has_lost_a_child,
    misspelt_settings,
)

# A server which is ready in a tenth of a second; its other arguments are Python to run.
SMALL = """
import http.server, os, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = repr(dict(os.environ)).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

for code in sys.argv[3:]:
    exec(code)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""
TINY = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"tiny"})
"""


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch):
    """Whatever a test does, its servers have ended when it is over."""
    token = uuid.uuid4().hex
    monkeypatch.setenv(TOKEN, token)
    try:
        yield token
        stop_all()
        assert describe(offspring(token)) == []
    finally:
        kill(offspring(token))


@pytest.fixture
def small(tmp_path):
    """Start the small server: `small("python to run first", name=..., env=...)`."""
    (tmp_path / "small.py").write_text(SMALL)

    def start(code: str = "", **options) -> Server:
        program = f"python small.py --port {{port}} {code and repr(code)}"
        return Server(program, **{"cwd": tmp_path, **options})

    return start


@pytest.fixture
def short_folder():
    """A folder whose path leaves room: that of a Unix socket has at most about 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="lab") as name:
        yield Path(name).resolve()


@pytest.fixture
def taken_port():
    """The port of another program, which answers over HTTP."""
    handler = http.server.BaseHTTPRequestHandler
    handler.log_message = lambda *args: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield other.server_port
        other.shutdown()


def get(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as reply:
        return reply.read().decode()


# What it tells.


def test_a_single_uvicorn():
    server = Server(command("uvicorn"))
    assert json.loads(get(server.url))["worker_pid"] == server.pid
    assert server.workers == server.pids == [server.pid]
    assert server.tree() == f"uvicorn  pid {server.pid}"
    assert [held.address for held in server.listening()] == [f"127.0.0.1:{server.port}"]
    assert repr(server) == f"ready at http://127.0.0.1:{server.port} (pid {server.pid})"
    assert "Application startup complete" in server.log
    server.stop()
    server.stop()
    assert repr(server) == f"stopped: uvicorn app.main:app --port {server.port}"
    assert "Finished server process" in server.log
    assert server.exit_code == -signal.SIGTERM
    assert server.pids == []
    assert not is_taken(server.port)


def test_what_has_ended_is_not_in_the_tree():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: psutil.Process(ended.pid).status() == "zombie", 10, "the child's end")
    assert str(ended.pid) not in processes.tree(os.getpid())
    ended.wait()


def test_a_master_and_its_workers():
    server = Server(command("uvicorn-worker"))
    assert len(server.workers) == 2
    assert server.pids == sorted([server.pid, *server.workers])
    assert server.tree().splitlines() == [
        f"gunicorn, master  pid {server.pid}",
        f"├─ worker  pid {server.workers[0]}",
        f"└─ worker  pid {server.workers[1]}",
    ]
    holders = server.listening()
    assert {held.pid for held in holders} == set(server.pids)
    if sys.platform.startswith("linux"):
        assert len({held.inode for held in holders}) == 1
    old = server.workers
    server.signal("TTIN")
    assert set(old) < set(server.wait_for_workers(3))
    os.kill(old[0], signal.SIGKILL)
    assert old[0] not in server.wait_for_workers(3, gone=old[0])
    with pytest.raises(TimeoutError, match=r"9 workers expected, 3 ready after 0\.1 s"):
        server.wait_for_workers(9, timeout=0.1)
    server.stop()
    assert server.exit_code == 0


def test_an_app_that_does_not_report_is_said_so(small):
    server = small()
    with pytest.raises(ValueError, match=r"Start it with Server\(\.\.\., probe=True\)"):
        server.wait_for_workers(1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_script_is_not_its_server(kind):
    server = Server(
        "sh {folder}/entry.sh",
        files={
            "entry.sh": "sh {folder}/start.sh\necho ended\n",
            "start.sh": f"{command(kind)}\necho ended\n",
        },
    )
    assert len(server.wait_for_workers(1 if kind == "uvicorn" else 2)) > 0
    assert json.loads(get(server.url))["worker_pid"] in server.workers
    assert server.tree().startswith(("uvicorn", "gunicorn"))


def test_each_worker_may_have_a_socket_of_its_own():
    server = Server(f"sh -c '{command('uvicorn-worker')} --reuse-port; echo ended'")
    assert len(server.wait_for_workers(2)) == 2
    assert server.tree().startswith("gunicorn, master")


def test_one_that_speaks_no_http():
    echo = """
import socketserver

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.readline())

socketserver.ThreadingTCPServer(("127.0.0.1", {port}), Echo).serve_forever()
"""
    server = Server("python {folder}/echo.py", ready="tcp", files={"echo.py": echo})
    assert server.url == f"tcp://127.0.0.1:{server.port}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"hello\n")
        assert client.recv(100) == b"hello\n"


@pytest.mark.parametrize(
    "line",
    [
        "gunicorn app.main:app -k uvicorn_worker.UvicornWorker --bind unix:{folder}/app.sock",
        "uvicorn app.main:app --uds {folder}/app.sock",
    ],
)
def test_a_unix_socket(line):
    server = Server(line)
    assert server.url == f"unix:{server.folder}/app.sock" and server.port is None
    assert server.listening() == []
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(server.folder / "app.sock"))
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
    server.stop()
    assert not server.folder.exists()


def test_another_of_the_same_name_replaces_it(small):
    first = small()
    second = small()
    assert not is_taken(first.port)
    assert repr(first).startswith("stopped")
    assert get(second.url)


def test_two_names_run_side_by_side(small):
    blue, green = small(name="blue"), small(name="green")
    assert get(blue.url)
    assert get(green.url)
    stop_all()
    assert not is_taken(blue.port)
    assert not is_taken(green.port)


@pytest.mark.slow
def test_stopping_all_takes_no_longer_than_the_slowest(small):
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    servers = [small(stubborn, name=name) for name in "ab"]
    began = time.monotonic()
    stop_all()
    assert 4 < time.monotonic() - began < 8
    assert [server.exit_code for server in servers] == [-signal.SIGKILL] * 2


def test_without_grace_a_server_is_killed_at_once(small):
    server = small("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    began = time.monotonic()
    server.stop(grace=0)
    assert time.monotonic() - began < patience(1)
    assert server.exit_code == -signal.SIGKILL
    assert not is_taken(server.port) and not os.path.exists(server.folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_without_grace_no_worker_is_left(kind, nothing_left):
    server = Server(command(kind))
    workers = server.workers
    server.stop(grace=0)
    assert not any(map(processes.is_alive, workers))
    assert describe(offspring(nothing_left)) == []


def test_environment_and_its_own_folder(small, monkeypatch):
    for name in ("GUNICORN_CMD_ARGS", "UVICORN_PORT", "PORT", "WEB_CONCURRENCY"):
        monkeypatch.setenv(name, "9")
    seen = eval(get(small(env={"COLOUR": "blue"}).url))
    assert seen["COLOUR"] == "blue"
    assert seen["PATH"].startswith(str(Path(sys.executable).parent))
    # The command in the notebook is all that decides; the shell's own settings do not come along.
    assert re.fullmatch(r"--control-socket \S+/control", seen["GUNICORN_CMD_ARGS"])
    assert not {"UVICORN_PORT", "PORT", "WEB_CONCURRENCY"} & seen.keys()
    assert (
        "--bind x --control"
        in eval(get(small(env={"GUNICORN_CMD_ARGS": "--bind x"}).url))["GUNICORN_CMD_ARGS"]
    )


@pytest.mark.slow
def test_the_apps_own_folder():
    assert get(Server("uvicorn main:app --port {port}", cwd="app").url)


def test_what_it_was_ended_by(small):
    server = small()
    with pytest.raises(ValueError, match="there is no signal 'nope'; try HUP"):
        server.signal("nope")
    with pytest.raises(ValueError, match="there is no signal"):
        server.signal("_IGN")
    server.signal("sigkill")
    with pytest.raises(ProcessLookupError, match=r"the server has ended: python small\.py"):
        wait_until(lambda: server.signal("TERM"), 5, "the server's end")
    server.stop()
    assert server.exit_code == -signal.SIGKILL


def test_a_long_log(small):
    server = small("print('x' * 99 + '\\\\n', end='') or [print('y' * 99) for _ in range(50000)]")
    assert len(server.log) > 5_000_000
    server.stop()
    assert len(server.log) > 5_000_000


def test_the_folder_ends_with_the_server(small, tmp_path, monkeypatch):
    folders = tmp_path / "with space"
    folders.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folders))
    server = small()
    assert len(list(folders.iterdir())) == 1
    server.stop()
    assert list(folders.iterdir()) == []


# Its owner and its guard.


def test_an_interrupt_while_it_starts(small, nothing_left):
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            small("time.sleep(60)")
    finally:
        signal.signal(signal.SIGALRM, old)
    assert describe(offspring(nothing_left)) == []


def test_a_forked_process_does_not_keep_it_alive(small):
    server = small()
    child = os.fork()
    if child == 0:
        select.select([], [], [], 30)
        os._exit(0)
    try:
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 3
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_killed_guard(small, nothing_left):
    server = small()
    os.kill(server._guard.pid, signal.SIGKILL)
    assert [stray.pid for stray in processes.stray_servers()].count(server.pid) == 1
    assert get(server.url)
    server.stop()
    assert not is_taken(server.port)
    assert not os.path.exists(server.folder)


def test_what_started_it_again_does_not_let_it_outlive_its_notebook(small, nothing_left):
    """A deploy script, for instance, that stops the server and then starts it anew."""
    server = small()
    inherited = psutil.Process(server.pid).environ()
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: server.exit_code is not None and server._guard.gone, 5, "the server's end")
    again = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=inherited)
    assert describe(offspring(nothing_left)) != []
    server.stop()
    assert again.wait(5) == -signal.SIGTERM


def test_a_guard_that_ends_at_once_is_said_so(small, tmp_path, monkeypatch):
    broken = tmp_path / "guard_process.py"
    broken.write_text("raise SystemExit(1)")
    monkeypatch.setattr(guard_process, "__file__", str(broken))
    with pytest.raises(ServerDidNotStart, match="the guard process ended"):
        small()


def test_a_stop_that_was_interrupted_can_be_repeated(small):
    server = small()
    server._guard.end()
    server._guard.ask_to_end()
    server._guard.end()
    server._launched.end(0)
    stop_all()
    assert repr(server).startswith("stopped") and server.exit_code == -signal.SIGTERM


def test_a_process_whose_environment_is_secret_is_found_by_its_parent(monkeypatch):
    def refuse(process):
        raise psutil.AccessDenied(process.pid)

    starts = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starts], stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        child = int(parent.stdout.readline())
        monkeypatch.setattr(psutil.Process, "environ", refuse)
        found = guard_process.find("no marker", parent.pid, -1)
        for pid in (child, parent.pid):
            os.kill(pid, signal.SIGKILL)
    assert {process.pid for process in found} == {child, parent.pid}


def test_what_may_not_be_killed_is_given_up(monkeypatch):
    here = psutil.Process()
    monkeypatch.setattr(guard_process, "GIVE_UP", 0.1)
    monkeypatch.setattr(guard_process, "members", lambda *_: [here])
    tried = []

    def refuse(pid, number):
        tried.append(number)
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    guard_process.end("", here.pid, -1, 0)
    assert {signal.SIGTERM, signal.SIGKILL} <= set(tried)


def test_stopping_all_asks_all_before_it_waits(small, tmp_path, monkeypatch):
    small()
    command_line = [sys.executable, "small.py", "--port", "0"]
    adopt(subprocess.Popen(command_line, cwd=tmp_path, start_new_session=True), "adopted")
    calls, ask, end = [], Guard.ask_to_end, Guard.end
    monkeypatch.setattr(Guard, "ask_to_end", lambda *args: calls.append("ask") or ask(*args))
    monkeypatch.setattr(Guard, "end", lambda *args: calls.append("end") or end(*args))
    stop_all()
    assert calls[:2] == ["ask", "ask"]


def test_adopted(small, tmp_path):
    def start(**options) -> subprocess.Popen:
        arguments = [sys.executable, "small.py", "--port", "0"]
        return subprocess.Popen(arguments, cwd=tmp_path, stderr=subprocess.DEVNULL, **options)

    small()
    with start() as bystander:
        with pytest.raises(ValueError, match="start_new_session=True"):
            adopt(bystander)
        bystander.kill()
    first = start(start_new_session=True)
    adopt(first)
    second = start(start_new_session=True)
    adopt(second)
    assert first.returncode == -signal.SIGTERM
    small()
    assert second.returncode == -signal.SIGTERM


@pytest.mark.slow
def test_a_hundred_launches_leave_no_descriptor_open(small):
    for _ in range(ports.CLAIMS):
        ports.free_port()
    small().stop()
    before = psutil.Process().num_fds()
    for _ in range(99):
        small()
    stop_all()
    assert psutil.Process().num_fds() == before


@pytest.mark.slow
def test_a_repository_in_a_folder_with_spaces_and_umlauts(short_folder):
    root = short_folder / "my own café"
    for folder in ("app", "workerlab"):
        shutil.copytree(ROOT / folder, root / folder)
    script = """
        from workerlab.server import ROOT, Server, stop_all
        assert "my own" in str(ROOT)
        for command in (
            "uvicorn app.main:app --port {port}",
            "gunicorn app.main:app -w 1 -k asgi -c 'app/gunicorn_conf.py' -b 127.0.0.1:{port}",
        ):
            server = Server(command)
            print(server, server.log)
        stop_all()
    """
    (root / "script.py").write_text(textwrap.dedent(script))
    (root / "tmp dir").mkdir()
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=root,
        env={**os.environ, "TMPDIR": str(root / "tmp dir")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ready at") == 2
    assert f"Control socket listening at {root}/tmp dir" in done.stdout


# What it refuses, before anything is launched.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--host 0.0.0.0", "listen at 0.0.0.0:8000"),
        ("--host=::1", "use 127.0.0.1"),
        ("--bind :8000", "listen at :8000"),
        ("-b 0.0.0.0:1", "listen at 0.0.0.0:1"),
        ("-b0.0.0.0:1", "listen at 0.0.0.0:1"),
        ("--bind=0.0.0.0:{port}", "use 127.0.0.1"),
        ("--bind=", "listen at every address"),
        ("-b 127.0.0.1:1 -b 0.0.0.0:2", "listen at 0.0.0.0:2"),
        ("-b 127.0.0.1:1,0.0.0.0:2", "listen at 0.0.0.0:2"),
        ("-b tcp://0.0.0.0:2", "listen at 0.0.0.0:2"),
        ("-b [::1]:8000", "use 127.0.0.1"),
        ("-b example.org:80", "listen at example.org:80"),
        ("--bind unix:/x", "put it in the server's own folder, unix:{folder}/app.sock"),
        ("--bind fd://3", "not listen on a TCP port"),
        ("--uds /x", "put it in the server's own folder"),
        ("--fd 3", "not listen on a TCP port"),
        ("--port 0", "'0' is not a port"),
        ("--port 65536", "'65536' is not a port"),
        ("--port http", "'http' is not a port"),
        ("--port ４２", "'４２' is not a port"),
        ("--bind 127.0.0.1:", "'' is not a port"),
        ("--bind", "expected one argument"),
        ("--port '1", "No closing quotation"),
    ],
)
def test_refused(arguments, sentence, nothing_left):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Server(f"uvicorn app.main:app {arguments}")
    assert offspring(nothing_left) == []


@pytest.mark.parametrize(
    ("command_line", "address"),
    [
        ("uvicorn app.main:app", ("127.0.0.1", 8000)),
        ("gunicorn app.main:app -b localhost", ("localhost", 8000)),
        ("python -m gunicorn app.main:app -w 4 -b 127.0.0.2:80", ("127.0.0.2", 80)),
        ("uvicorn app.main:app --host=127.0.0.1 --port=81", ("127.0.0.1", 81)),
        ("gunicorn app.main:app --bind=127.0.0.1:82 --bind 127.0.0.1:83", ("127.0.0.1", 82)),
    ],
)
def test_where_it_listens(command_line, address):
    assert address_of(command_line) == address


def test_a_variable_before_the_command_is_set_as_in_a_shell(nothing_left):
    server = Server("WORKERS=2 gunicorn app.main:app -c app/gunicorn_conf.py -b 127.0.0.1:{port}")
    assert len(server.wait_for_workers(2)) == 2
    server.stop()


def test_nothing_to_start(tmp_path):
    with pytest.raises(ValueError, match="the command is empty"):
        Server(" ")
    with pytest.raises(ServerDidNotStart, match="There is no command 'uvicron' in this"):
        Server("uvicron app.main:app")
    with pytest.raises(ServerDidNotStart, match=r"No such file or directory: '.*/nowhere'"):
        Server("uvicorn app.main:app", cwd=tmp_path / "nowhere")


# Why it did not start.


class LogWatch(threading.Thread):
    """Notes when the log of the server which is about to be started first tells of its failure."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder = folder
        self._over = threading.Event()
        self.failed_at: float | None = None
        self.start()

    def run(self) -> None:
        while not self._over.wait(0.01):
            for file in self._folder.glob("workerlab-*/server.log"):
                try:
                    log = file.read_text(errors="replace")
                except OSError:
                    continue
                if self.failed_at is None and (cause(log) or has_failed(log)):
                    self.failed_at = time.monotonic()

    def stop(self) -> None:
        self._over.set()
        self.join()


def failure(command_line: str, folder: Path, monkeypatch, token: str, **options) -> str:
    """Start it, which must fail soon after the log has told; what was raised."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    watch = LogWatch(folder)
    try:
        with pytest.raises(ServerDidNotStart) as raised:
            Server(command_line, **{"cwd": folder, **options})
        ended = time.monotonic()
    finally:
        watch.stop()
    assert watch.failed_at is None or ended - watch.failed_at < patience(2)
    assert describe(offspring(token)) == []
    assert list(folder.glob("workerlab-*")) == []
    assert "The log ends:\n    " in str(raised.value)
    assert "(empty)" not in str(raised.value)
    return str(raised.value)


APPS = {
    "no_such_module": None,
    "wants_a_package": "import no_such_package",
    "no_attribute": "application = None",
    "syntax": "def (:",
    "raises": "1 / 0",
    "lifespan": """
        async def app(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})
    """,
    "tiny": TINY,
}
CONFIGURATIONS = {
    "syntax.conf.py": "workers = = 2",
    "raises.conf.py": "1 / 0",
    "value.conf.py": "timeout = 'long'",
    "misspelt.conf.py": "wokers = 3\ntimeout = 'long'",
    "elsewhere.conf.py": "bind = '127.0.0.1:{port}'",
    "beyond.conf.py": "bind = '0.0.0.0:{port}'",
}


@pytest.fixture
def folder(tmp_path):
    for name, source in APPS.items():
        if source is not None:
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
    for name, source in CONFIGURATIONS.items():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            source = source.replace("{port}", str(probe.getsockname()[1]))
        (tmp_path / name).write_text(source)
    return tmp_path


LOADING = {
    "no_such_module": "cannot import no_such_module",
    "wants_a_package": "cannot import no_such_package",
    "no_attribute": "The module no_attribute has no attribute app",
    "syntax": "The app cannot be loaded: SyntaxError: invalid syntax",
    "raises": "The app cannot be loaded: ZeroDivisionError: division by zero",
    "lifespan": "The start-up part of the app's lifespan raised an exception",
}


@pytest.mark.slow
@pytest.mark.parametrize("app", LOADING)
@pytest.mark.parametrize("kind", KINDS)
def test_the_app_does_not_load(kind, app, folder, monkeypatch, nothing_left):
    told = failure(command(kind, f"{app}:app"), folder, monkeypatch, nothing_left)
    assert LOADING[app] in told


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_port_is_taken(kind, folder, monkeypatch, nothing_left, taken_port):
    line = command(kind, "tiny:app").replace("{port}", str(taken_port))
    assert "The port is taken" in failure(line, folder, monkeypatch, nothing_left)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_is_wrong(kind, folder, monkeypatch, nothing_left):
    line = command(kind, "tiny:app")
    told = failure(f"{line} --no-such-option", folder, monkeypatch, nothing_left)
    assert re.search("no such option: '?--no-such-option", told)
    told = failure(f"{line} --workers many", folder, monkeypatch, nothing_left)
    assert re.search("The command line is wrong: .*--workers.*'many'", told)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_threads_is_wrong(kind, folder, monkeypatch, nothing_left):
    told = failure(command(kind), folder, monkeypatch, nothing_left, cwd=ROOT, env={"THREADS": "x"})
    sentence = "An environment variable is wrong: THREADS must be a whole number from 1 to 1000"
    assert sentence in told


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["uvicorn-worker", "asgi"])
def test_workers_is_wrong(kind, folder, monkeypatch, nothing_left):
    line = f"{command(kind)} --config app/gunicorn_conf.py"
    told = failure(line, folder, monkeypatch, nothing_left, cwd=ROOT, env={"WORKERS": "0"})
    sentence = "An environment variable is wrong: WORKERS must be a whole number from 1 to 1000"
    assert sentence in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("syntax.conf.py", "syntax.conf.py cannot be read: SyntaxError: invalid syntax"),
        ("raises.conf.py", "raises.conf.py cannot be read: ZeroDivisionError: division by zero"),
        ("value.conf.py", "The setting timeout does not accept this value: long"),
        ("misspelt.conf.py", "The setting timeout does not accept this value: long"),
        (
            "misspelt.conf.py",
            "Gunicorn has no setting wokers and ignores it. Did you mean workers?",
        ),
        ("missing.conf.py", "There is no configuration file missing.conf.py"),
    ],
)
@pytest.mark.parametrize("kind", ["uvicorn-worker", "asgi"])
def test_the_configuration_is_wrong(kind, file, sentence, folder, monkeypatch, nothing_left):
    line = f"{command(kind, 'tiny:app')} -c {file}"
    assert sentence in failure(line, folder, monkeypatch, nothing_left)


@pytest.mark.slow
@pytest.mark.parametrize("worker_class", ["uvicorn.worker.UvicornWorker", "agsi", "no_such.Class"])
def test_the_worker_class_is_unknown(worker_class, folder, monkeypatch, nothing_left):
    line = f"gunicorn tiny:app --worker-class {worker_class} --bind 127.0.0.1:{{port}}"
    told = failure(line, folder, monkeypatch, nothing_left)
    assert f"There is no worker class {worker_class}." in told


@pytest.mark.slow
def test_it_listens_where_the_command_does_not_say(folder, monkeypatch, nothing_left):
    line = "gunicorn tiny:app --worker-class asgi -c elsewhere.conf.py"
    began = time.monotonic()
    told = failure(line, folder, monkeypatch, nothing_left)
    assert re.search(r"listens at 127\.0\.0\.1:\d+ and not at 127\.0\.0\.1:8000", told)
    assert time.monotonic() - began < 8


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        "-c beyond.conf.py",
        # Gunicorn takes abbreviations, which the look at the command line does not.
        "--bin 0.0.0.0:{port}",
    ],
)
def test_it_listens_beyond_this_machine(arguments, folder, nothing_left):
    with pytest.raises(ValueError, match=r"would listen at 0\.0\.0\.0:\d+"):
        Server(f"gunicorn tiny:app --worker-class asgi {arguments}", cwd=folder)
    assert describe(offspring(nothing_left)) == []


@pytest.mark.slow
def test_an_import_that_is_taken_for_a_worker_that_hangs():
    """A regular expression keeps the GIL, and with it the thread that would answer the ping."""
    app = 'import re\nre.match(r"(a+)+$", "a" * 30 + "b")\n' + TINY
    line = "uvicorn own:app --app-dir {folder} --workers 2 --port {port}"
    with pytest.raises(ServerDidNotStart, match="--timeout-worker-healthcheck 60"):
        Server(line, files={"own.py": app})


@pytest.mark.slow
def test_a_caught_exception_is_no_failure(folder):
    """An app that says so, goes on without the package, and takes its time."""
    source = "import time\nprint(\"No module named 'x'; ValueError: y\")\ntime.sleep(3)\n" + TINY
    (folder / "patient.py").write_text(source)
    for kind in ("uvicorn", "asgi"):
        assert get(Server(command(kind, "patient:app"), cwd=folder).url) == "tiny"


def test_import_error(folder, monkeypatch, nothing_left):
    told = failure(command("uvicorn", "wants_a_package:app"), folder, monkeypatch, nothing_left)
    assert re.match(r"uvicorn wants_a_package:app --port \d+\nended with exit code 1\. ", told)
    assert "Python cannot import no_such_package." in told
    assert "ModuleNotFoundError: No module named 'no_such_package'" in told


@pytest.mark.parametrize("kind", KINDS)
def test_another_port_is_tried_where_the_kit_has_chosen_one_that_is_taken(
    kind, folder, monkeypatch, taken_port
):
    free = ports.free_port()
    chosen = iter([taken_port, free])
    monkeypatch.setattr(launch, "free_port", lambda: next(chosen))
    server = Server(command(kind, "tiny:app"), cwd=folder)
    assert server.port == free and get(server.url)
    server.stop()


def test_somebody_elses_answer_is_not_taken_for_its_own(
    folder, monkeypatch, nothing_left, taken_port
):
    line = f"uvicorn tiny:app --port {taken_port}"
    assert "The port is taken" in failure(line, folder, monkeypatch, nothing_left)


def test_it_never_answers(small):
    silent = r"did not answer within 0\.5 s, and it wrote nothing for the last \d\.\d s\. The log "
    with pytest.raises(ServerDidNotStart, match=silent):
        small("print('patience', flush=True); time.sleep(60)", timeout=0.5)


@pytest.mark.parametrize("file", ["my.conf.py", "/my folder/my.conf.py"])
def test_the_cause_names_the_configuration_file(file):
    log = f"Failed to read config file: {file}\nTraceback (most recent call last):\nNameError: x\n"
    assert cause(log) == f"The configuration file {file} cannot be read: NameError: x"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("wokers = 3", "Gunicorn has no setting wokers and ignores it. Did you mean workers?"),
        (
            "worker_clas: str = 'asgi'",
            "no setting worker_clas and ignores it. Did you mean worker_class",
        ),
        ("workers = 3\ncolour = 1\n_wokers = 3\nfrom os import name as wokers", None),
        ("workers = = 3", None),
        ("x = '\0'", None),
    ],
)
def test_misspelt_settings(source, sentence, tmp_path):
    (tmp_path / "my conf.py").write_text(source)
    told = misspelt_settings("gunicorn app:app -c 'my conf.py'", tmp_path)
    assert told is None if sentence is None else sentence in told
    assert misspelt_settings("gunicorn app:app --config file:nowhere.py", tmp_path) is None
    assert misspelt_settings("gunicorn app:app -c", tmp_path) is None


@pytest.mark.parametrize(
    "command",
    [
        "uvicorn app.main:app --host 127.0.0.1:8000",
        "uvicorn app.main:app --host http://127.0.0.1",
        "gunicorn app.main:app --bind 8000",
        "gunicorn app.main:app -b http://127.0.0.1:8000",
    ],
)
def test_what_is_no_address_is_told_from_one_of_another_machine(command: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        address_of(command)


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ("gunicorn app.main:app --workers 4", 4),
        ("gunicorn app.main:app --workers=3 -b 127.0.0.1:1", 3),
        ("gunicorn -w2 app.main:app", 2),
        ("env A=1 python -m gunicorn -w 5 app.main:app", 5),
        ("uvicorn app.main:app --port 1 --workers 2", 2),
        ("gunicorn app.main:app -c /tmp/workerlab-w3x/conf.py", None),
        ("gunicorn app.main:app --worker-class uvicorn_worker.UvicornWorker", None),
        ("gunicorn app.main:app --workers three", None),
        ("uvicorn app.main:app --port 1 --workers 2 --reload", None),
        ("gunicorn app.main:app -w 2 -k uvicorn_worker.UvicornWorker --reload", 2),
    ],
)
def test_how_many_workers_a_command_asks_for(command: str, count: int | None) -> None:
    assert commands.workers_asked_for(command) == count


def test_files_of_its_own_end_with_it(nothing_left):
    server = Server(
        "gunicorn small:app --pythonpath {folder} -c {folder}/conf.py --bind 127.0.0.1:{port}",
        files={
            "conf.py": 'worker_class = "uvicorn_worker.UvicornWorker"\nworkers = 2\n',
            "small.py": "from app.main import app\n",
        },
    )
    assert (server.folder / "conf.py").exists() and str(server.folder) in server.command
    server.wait_for_workers(2)
    server.stop()
    assert not server.folder.exists()


def test_address_and_folder_are_filled_in_within_files_and_variables(small):
    configuration = 'bind = "127.0.0.1:{port}"\npidfile = "{folder}/pid"\n'
    server = Server(
        "gunicorn app.main:app -k uvicorn_worker.UvicornWorker -c {folder}/conf.py",
        files={"conf.py": configuration},
        env={"HERE": "{folder}", "THERE": "127.0.0.1:{port}"},
    )
    assert (server.folder / "pid").read_text().strip() == str(server.pid)
    variables = psutil.Process(server.pid).environ()
    assert variables["HERE"] == str(server.folder)
    assert variables["THERE"] == f"127.0.0.1:{server.port}"


def test_its_folder_may_have_a_space_in_its_path(tmp_path, monkeypatch):
    (tmp_path / "with space").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "with space"))
    server = Server("python {folder}/small.py --port {port}", files={"small.py": SMALL})
    assert "with space" in server.command and get(server.url)


def test_a_start_without_a_guard_leaves_no_folder_and_no_open_log(small, tmp_path, monkeypatch):
    def fail(*args, **options):
        raise OSError("no process can be started")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Guard, "start", fail)
    before = psutil.Process().open_files()
    # What was raised holds the frames, and these would hold the file.
    with pytest.raises(OSError) as raised:
        small()
    assert str(raised.value) == "no process can be started"
    assert list(tmp_path.glob("workerlab-*")) == []
    assert psutil.Process().open_files() == before


def test_a_file_that_cannot_be_written_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        Server("gunicorn app.main:app --bind 127.0.0.1:{port}", files={"no/such/folder.py": ""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("log", "lost"),
    [
        ("INFO: Started parent process [1]\nINFO: Started server process [2]", False),
        ("INFO: Child process [2] died", True),
        ("INFO: Child process [2] died\nINFO: Started server process [3]", False),
        ("Child process [2] died\nStarted server process [3]\nChild process [3] failed", True),
    ],
)
def test_a_child_that_is_replaced_is_no_failed_start(log, lost):
    assert has_lost_a_child(log) == lost
    assert not has_failed(log)
