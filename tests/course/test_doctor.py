"""./learn doctor: each check can pass and can fail, and says what to do."""

import contextlib
import importlib.metadata
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from workerlab import machine
from workerlab.course import doctor, jupyter, pins
from workerlab.course.doctor import Finding
from workerlab.server import guard_process, processes
from workerlab.server.guard import Guard


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("finding", "line", "failed"),
    [
        (Finding("2 cores"), "OK    cores: 2 cores", False),
        (Finding("none", "buy one"), "FIX   cores: none; buy one", True),
        (Finding("1", "take care", serious=False), "NOTE  cores: 1; take care", False),
    ],
)
def test_a_line(finding, line, failed):
    assert doctor.line("cores", finding) == line
    assert finding.failed is failed


def test_one_line_a_check_and_one_failure_fails(monkeypatch, capsys):
    def breaks():
        raise RuntimeError("no idea")

    good, note = (lambda: Finding("fine")), (lambda: Finding("small", "more", serious=False))
    monkeypatch.setattr(doctor, "CHECKS", {"a": good, "b": note})
    assert doctor.run() == 0
    assert capsys.readouterr().out.splitlines() == ["OK    a: fine", "NOTE  b: small; more"]
    monkeypatch.setattr(doctor, "CHECKS", {"a": breaks, "b": good})
    assert doctor.run() == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first == "FIX   a: RuntimeError: no idea; report this as an issue"
    assert second == "OK    b: fine"


def test_what_would_fail_for_another_reason_is_not_tried(monkeypatch, capsys):
    def works():
        return Finding("works")

    def limits():
        return Finding("12", "raise it")

    monkeypatch.setattr(doctor, "NEED_THE_OTHERS", (works,))
    monkeypatch.setattr(doctor, "CHECKS", {"Jupyter": works, "limits": limits})
    assert doctor.run() == 1
    assert capsys.readouterr().out.startswith("OK    Jupyter: works")
    monkeypatch.setattr(doctor, "CHECKS", {"limits": limits, "Jupyter": works})
    assert doctor.run() == 1
    assert "NOTE  Jupyter: not tried; " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "said", "to_do"),
    [
        (["No module named 'zmq'", "other"], "No module named 'zmq'", doctor.REINSTALL),
        (["[Errno 28] No space left on device"], "No space left", "free some space on the disk"),
        (["PermissionError: Permission denied: '/a'"], "'/a'", "check the owner"),
        (["OSError: Too many open files"], "open files", "see the line on open files"),
        (["can't start new thread"], "thread", "see the line on processes"),
        (["loading", "TimeoutError: JupyterLab did not start"], "TimeoutError", "close other"),
        (["URLError: <urlopen error timed out>"], "timed out", "close other"),
        (["loading", "the moon is full"], "the moon is full", "report this as an issue"),
    ],
)
def test_only_what_a_reinstallation_cures_is_worth_one(lines, said, to_do):
    finding = doctor.failure(lines)
    assert said in finding.text and finding.to_do.startswith(to_do)


# With a package missing, as a damaged environment has it.
WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
from workerlab.course import doctor
slow = (doctor.jupyter_works, doctor.more_processes)
doctor.CHECKS = {name: check for name, check in doctor.CHECKS.items() if check not in slow}
doctor.import_error = lambda modules: ""
sys.exit(doctor.run())
"""


@pytest.mark.parametrize(
    ("package", "checks"), [("psutil", ["memory", "stray servers"]), ("packaging", ["packages"])]
)
def test_without_a_package_the_other_checks_go_on(package, checks):
    done = subprocess.run(
        [sys.executable, "-P", "-c", WITHOUT, package], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and done.stderr == ""
    for check in checks:
        assert re.search(f"FIX   {check}: .*{package}.*; delete the folder .venv", done.stdout)
    assert "OK    open files" in done.stdout and "ports" in done.stdout


def test_what_cannot_be_imported_is_named(tmp_path, monkeypatch):
    for name, text in {
        "whole": "",
        "broken": "raise ValueError('no such symbol')",
        "deadly": "import os; os.kill(os.getpid(), 9)",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert doctor.import_error(["whole"]) == ""
    assert doctor.import_error(["whole", "broken"]) == (
        "broken cannot be imported (ValueError: no such symbol)"
    )
    assert doctor.import_error(["deadly"]) == "deadly cannot be imported (exit status -9)"


def test_a_module_of_the_readers_folder_does_not_matter(tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise SystemExit('mine')")
    monkeypatch.chdir(tmp_path)
    assert doctor.import_error(["tempfile", "random"]) == ""


def test_files_and_modules_of_a_package(monkeypatch):
    assert doctor.modules("pytest-xdist") == ["xdist"]
    assert not doctor.lacks_files("pytest-xdist")
    gone = importlib.metadata.PackagePath("xdist/no_such_file.py")
    gone.dist = importlib.metadata.distribution("pytest-xdist")
    monkeypatch.setattr(importlib.metadata, "files", lambda _: [gone])
    assert doctor.lacks_files("pytest-xdist")


def test_a_missing_package_fails_before_the_others_are_imported(monkeypatch):
    monkeypatch.setattr(doctor, "installed_version", lambda name: None)
    finding = doctor.packages()
    assert finding.failed and "not complete" in finding.text
    assert finding.to_do == doctor.REINSTALL


def test_packages():
    assert doctor.compare({"a": "1"}, {"a": "1"}) == Finding("1 at their pinned versions")
    finding = doctor.compare(dict.fromkeys("abcde", "1"), {**dict.fromkeys("abcd", "2"), "e": None})
    assert finding.text == "a 2 instead of 1, b 2 instead of 1, c 2 instead of 1 and 2 more"
    assert "delete the folder .venv" in finding.to_do
    assert not finding.serious  # the reader may have wanted it
    assert "a missing" in doctor.compare({"a": "1"}, {"a": None}).text


def test_an_installed_package_has_a_version():
    assert doctor.installed_version("pytest") == pytest.__version__
    assert doctor.installed_version("no-such-package-here") is None


def test_the_constraints_of_this_platform():
    text = f"""\
a==1.0
    # via -r requirements.txt
B-c==2 ; sys_platform == '{sys.platform}'
d==3 ; sys_platform == 'nowhere'
"""
    assert pins.pinned(text) == {"a": "1.0", "B-c": "2"}
    assert pins.pinned(text, everywhere=True) == {"a": "1.0", "B-c": "2", "d": "3"}


def test_every_direct_dependency_is_in_the_constraints():
    direct = pins.pinned((doctor.ROOT / "requirements.txt").read_text(), everywhere=True)
    resolved = pins.pinned((doctor.ROOT / "constraints.txt").read_text(), everywhere=True)
    assert direct
    assert {name: resolved.get(name) for name in direct} == direct


def test_what_pin_changed():
    before, after = {"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}
    expected = ["b: 1 -> 2", "c: 1 -> gone", "d: new -> 1"]
    assert pins.differences(before, after) == expected


def test_a_taken_port_is_seen_and_no_failure(monkeypatch):
    with taken_port() as port:
        monkeypatch.setattr(jupyter, "PORT", port)
        finding = doctor.ports()
        assert f"{port} is taken" in finding.text and not finding.failed
    assert doctor.ports().to_do == ""


@pytest.mark.parametrize(
    ("function", "value", "check", "said"),
    [
        ("cores_by_affinity", 1, doctor.cores, "NOTE"),
        ("cores_by_affinity", 2, doctor.cores, "OK"),
        ("cpu_quota", None, doctor.quota, "OK    x: no quota"),
        ("cpu_quota", 1.5, doctor.quota, "OK    x: 1.5 cores"),
        ("cpu_quota", 0.5, doctor.quota, "NOTE  x: 0.5 cores"),
        ("memory_available", 5 * 2**30, doctor.memory, "OK    x: 5.0 GiB"),
        ("memory_available", 2**29, doctor.memory, "NOTE  x: 0.5 GiB"),
    ],
)
def test_what_the_machine_has_is_at_most_a_note(monkeypatch, function, value, check, said):
    monkeypatch.setattr(machine, function, lambda: value)
    assert doctor.line("x", check()).startswith(said)


def test_stray_servers_are_named_with_the_cure(monkeypatch):
    found = [SimpleNamespace(pid=17), SimpleNamespace(pid=4)]
    monkeypatch.setattr(processes, "stray_servers", lambda: found)
    assert doctor.strays() == Finding("2 left by earlier runs", "kill 17 4")
    monkeypatch.setattr(processes, "stray_servers", lambda: [])
    assert not doctor.strays().failed


@pytest.mark.parametrize(
    ("command", "folder", "serves"),
    [
        ("gunicorn app.main:app -c app/gunicorn_conf.py", ".", True),
        ("python .venv/bin/gunicorn app.main:app", ".", True),
        ("python -m uvicorn app.main:app --reload", "lessons", True),
        ("uvicorn main:app", "app", True),
        ("gunicorn --chdir app main:app", ".", True),
        ("uvicorn main:app --app-dir app", ".", True),
        (f"python {doctor.ROOT}/.venv/bin/gunicorn app.main:app", "/", True),
        ("gunicorn app.main:app", "/", False),
        ("uvicorn main:app", ".", False),
        ("uvicorn other:app", "app", False),
        ("vim app.main:app", ".", False),
    ],
)
def test_which_commands_serve_the_app_of_this_repository(command, folder, serves):
    place = str(doctor.ROOT / folder)
    assert processes.serves_app(command.split(), place) is serves


@contextlib.contextmanager
def gunicorn_by_hand(folder: Path, **variables: str) -> Iterator[subprocess.Popen]:
    """What looks like a Gunicorn with a worker, in a session of its own."""
    program = folder / "gunicorn"
    program.write_text("import os, time\nos.fork()\nos.write(1, b'up\\n')\ntime.sleep(60)\n")
    with subprocess.Popen(
        [sys.executable, program, "app.main:app"],
        cwd=doctor.ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            for _ in range(2):
                assert process.stdout.readline() == b"up\n"
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_server_started_by_hand_is_named_and_let_be(tmp_path):
    with gunicorn_by_hand(tmp_path) as server:
        finding = doctor.by_hand()
        pids = finding.to_do.rpartition("kill ")[2].split()
        assert pids.count(str(server.pid)) == 1
        assert finding.text.count(f"{tmp_path}/gunicorn") == 1  # its worker ends with it
        assert not finding.failed
        assert server.poll() is None


def test_a_server_that_is_guarded_is_not_one_started_by_hand(tmp_path):
    with gunicorn_by_hand(tmp_path, **{guard_process.MARKER: "x"}) as server:
        assert server.pid not in [process.pid for process in processes.servers_started_by_hand()]
    with gunicorn_by_hand(tmp_path) as server:
        guard = Guard.adopt(server.pid)
        try:
            found = [process.pid for process in processes.servers_started_by_hand()]
        finally:
            guard.end()
        assert server.pid not in found


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ((64, 64), "FIX   x: 64 per process; raise it to 300"),
        ((256, 100_000), "OK    x: 100000"),
        ((1024, resource.RLIM_INFINITY), "OK    x: no limit"),
    ],
)
def test_the_limit_of_open_files(monkeypatch, limits, said):
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    assert doctor.line("x", doctor.open_files()).startswith(said)


def test_as_many_processes_as_a_lesson_needs_are_tried(monkeypatch):
    monkeypatch.setattr(doctor, "PROCESSES", 3)
    assert doctor.more_processes() == Finding("3 more can be started")
    monkeypatch.setattr(doctor, "START_MANY", "print(2)")
    finding = doctor.more_processes()
    assert finding.failed and finding.text == "only 2 more can be started"


def test_not_even_one_process_can_be_started(monkeypatch):
    def refused(*_, **__):
        raise BlockingIOError

    monkeypatch.setattr(subprocess, "run", refused)
    assert doctor.more_processes().text == "only 0 more can be started"


# Root has no limit, so it becomes a user who has no other process.
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NPROC, (12, 12))
os.setuid(54321)
sys.argv[1] = "20"
exec(sys.stdin.read())
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or not sys.platform.startswith("linux"), reason="needs another user"
)
def test_a_limit_of_processes_is_met():
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LIMITED, "20"],
        input=doctor.START_MANY,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout == "11\n", done.stderr


def serve_with(monkeypatch, script: str) -> list[subprocess.Popen]:
    """Have the doctor start this script instead of JupyterLab; what it has started."""
    started = []

    def popen(command, **options):
        started.append(subprocess_popen(command, **options))
        return started[-1]

    subprocess_popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(doctor, "SERVE", script)
    return started


def test_a_server_that_is_too_slow_is_stopped_and_no_reason_to_reinstall(monkeypatch):
    started = serve_with(monkeypatch, "import time; time.sleep(60)")
    finding = doctor.jupyter_works(timeout=0.5)
    assert finding.failed and "not start in time" in finding.text
    assert finding.to_do == "close other programs and start ./learn doctor again"
    assert started[0].poll() is not None


@pytest.mark.parametrize(
    ("script", "said", "to_do"),
    [
        ("raise SystemExit('no such plug-in')", "no such plug-in", "report this"),
        ("raise SystemExit", "ChildProcessError", "report this"),
        ("import no_such_package", "no_such_package", doctor.REINSTALL),
        ("open('/nowhere/a', 'w')", "/nowhere/a", "report this"),
    ],
)
def test_a_server_that_ends_is_quoted(monkeypatch, script, said, to_do):
    serve_with(monkeypatch, script)
    finding = doctor.jupyter_works()
    assert finding.failed
    assert said in finding.text and finding.to_do.startswith(to_do)


@pytest.mark.slow
def test_jupyter_and_a_kernel_really_answer_and_are_stopped(monkeypatch, tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('mine')")
    monkeypatch.chdir(tmp_path)
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        proxy.setblocking(False)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        started = serve_with(monkeypatch, doctor.SERVE)
        finding = doctor.jupyter_works()
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert re.match(r"JupyterLab and a kernel answer after [\d.]+ s$", finding.text)
    assert not finding.failed
    assert started[0].poll() is not None


@pytest.mark.slow
def test_a_kernel_of_another_python_is_seen(monkeypatch):
    real = doctor.ask_kernel
    monkeypatch.setattr(
        doctor, "ask_kernel", lambda where, _, until: real(where, "import no_such_kit", until)
    )
    finding = doctor.jupyter_works()
    assert "different Python (No module named 'no_such_kit')" in finding.text
    assert finding.to_do == doctor.REINSTALL
