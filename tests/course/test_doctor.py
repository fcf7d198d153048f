"""./learn doctor: each check can pass and can fail, and says what to do."""

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from workerlab import machine, ports
from workerlab.course import doctor, jupyter, pins
from workerlab.course.doctor import Finding
from workerlab.server import processes


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
    assert first.startswith("FIX   a: RuntimeError: no idea")
    assert second == "OK    b: fine"


def test_packages():
    assert doctor.compare({"a": "1"}, {"a": "1"}) == Finding("1 at their pinned versions")
    finding = doctor.compare(dict.fromkeys("abcde", "1"), {**dict.fromkeys("abcd", "2"), "e": None})
    assert (
        finding.text == ("a 2 instead of 1, b 2 instead of 1, c 2 instead of 1 and 2 more")
        and "delete the folder .venv" in finding.to_do
    )
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


@pytest.mark.parametrize(
    ("interpreter", "ok"),
    [
        ("python", True),
        (str(Path(sys.executable).parent / "python3"), True),
        ("/elsewhere/bin/python3", False),
    ],
)
def test_the_kernel_must_be_of_this_environment(monkeypatch, interpreter, ok):
    from jupyter_client.kernelspec import KernelSpecManager

    spec = SimpleNamespace(argv=[interpreter, "-m", "ipykernel_launcher"], resource_dir="/spec")
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: spec)
    finding = doctor.kernel()
    assert (not finding.failed) is ok
    if not ok:
        assert finding.to_do == "delete /spec"


def test_no_kernel(monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    def missing(*_):
        raise NoSuchKernel("python3")

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", missing)
    assert doctor.kernel().failed


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


def test_a_server_that_does_not_come_up_is_stopped_and_quoted(monkeypatch):
    started = []

    def popen(command, **options):
        script = "import time; print('no such plug-in', flush=True); time.sleep(60)"
        process = subprocess_popen([sys.executable, "-c", script], **options)
        started.append(process)
        return process

    subprocess_popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", popen)
    finding = doctor.jupyter_reachable(timeout=1.5)
    assert finding.failed
    assert "no such plug-in" in finding.text
    assert started[0].poll() is not None


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch):
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        proxy.setblocking(False)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        assert doctor.ask_version(ports.free_port()) is None
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.mark.slow
def test_jupyter_really_answers_and_is_stopped(monkeypatch):
    started = []
    subprocess_popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda *args, **options: started.append(subprocess_popen(*args, **options)) or started[-1],
    )
    finding = doctor.jupyter_reachable(timeout=60)
    assert re.match(r"Jupyter Server [\d.]+ answers after [\d.]+ s$", finding.text)
    assert not finding.failed
    assert started[0].poll() is not None
