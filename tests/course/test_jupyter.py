"""JupyterLab's start: its kernel and programs are this environment's, whatever the reader has."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

from tests.helpers import wait_until
from workerlab import ROOT
from workerlab.course import jupyter
from workerlab.ports import free_port

NOBODYS_HOME = "/dev/null/home"  # which not even root can make
OTHER_KERNEL = {"argv": ["/nowhere/python", "-f", "{connection_file}"], "display_name": "Other"}
WHICH_PYTHON = "import sys; print(sys.prefix)"


@pytest.fixture(autouse=True)
def variables(monkeypatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A home of the test's own, nothing set for Jupyter, and all as it was afterwards."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("JUPYTER", "IPYTHON")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield monkeypatch
    os.environ.clear()
    os.environ.update(before)


# Where Jupyter reads and writes


def test_kernels_and_configuration_are_those_of_this_environment(variables, tmp_path):
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JUPYTER_CONFIG_DIR", "JUPYTERLAB_DIR"):
        variables.setenv(name, str(tmp_path / "elsewhere"))
    variables.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    jupyter.rest_on_this_environment(tmp_path / "fallback")
    from jupyter_core import paths

    assert paths.jupyter_path("kernels")[0] == f"{sys.prefix}/share/jupyter/kernels"
    assert paths.jupyter_config_dir() == f"{sys.prefix}/etc/jupyter"
    assert str(tmp_path / "elsewhere") not in paths.jupyter_config_path()
    assert "JUPYTERLAB_DIR" not in os.environ


def test_the_settings_of_the_page_stay_the_readers(variables, tmp_path):
    variables.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "mine"))
    jupyter.rest_on_this_environment(tmp_path / "fallback")
    assert os.environ["JUPYTERLAB_SETTINGS_DIR"] == str(tmp_path / "mine/lab/user-settings")
    assert os.environ["IPYTHONDIR"] == str(tmp_path / ".ipython")
    assert not (tmp_path / "fallback").exists()


def test_what_jupyter_writes_goes_elsewhere_where_the_home_cannot_be_written(variables, tmp_path):
    variables.setenv("HOME", NOBODYS_HOME)
    variables.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    jupyter.rest_on_this_environment(tmp_path / "fallback")
    for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
        assert Path(os.environ[name]).parent == tmp_path / "fallback"
    assert os.environ["JUPYTER_RUNTIME_DIR"] == str(tmp_path / "runtime")


def test_a_folder_can_be_written_if_it_can_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert jupyter.can_be_written(str(tmp_path / "a/b"))
    assert not jupyter.can_be_written(str(tmp_path / "file/b"))
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(tmp_path))
    assert not jupyter.can_be_written(str(tmp_path / "a/b"))


# The port


def test_a_port_that_needs_more_rights(monkeypatch):
    def refuse(self, address):
        raise PermissionError

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(SystemExit, match="ports below 1024 need special privileges"):
        jupyter.serve(None, port=80)


# The terminal


def test_no_terminal_has_a_login_shell(variables):
    for path in ("/bin/bash", "/bin/zsh", "/usr/bin/fish", ""):
        variables.setenv("SHELL", path)
        assert not {"-l", "--login"} & set(jupyter.shell())
    assert Path(jupyter.shell()[0]).is_absolute()


def test_bash_finds_the_programs_of_this_environment_first(variables, tmp_path):
    variables.setenv("SHELL", shutil.which("bash"))
    variables.setenv("VIRTUAL_ENV", sys.prefix)
    other = tmp_path / "gunicorn"
    other.write_text("")
    other.chmod(0o755)
    (tmp_path / ".bashrc").write_text(f"PATH={tmp_path}:/usr/bin:/bin\nread_it=yes\n")
    asks = [*jupyter.shell(), "-i", "-c", "command -v gunicorn; echo $read_it"]
    said = subprocess.run(
        asks, env=os.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    assert said.stdout == f"{sys.prefix}/bin/gunicorn\nyes\n"


# For real


class Lab:
    """JupyterLab as ./learn serves it, and what it is asked."""

    def __init__(self, log: Path) -> None:
        self.log = log
        port = free_port()
        program = (
            "from workerlab.course import jupyter\n"
            f"jupyter.serve(None, port={port}, browser=False, allow_root=True)"
        )
        variables = {**os.environ, "VIRTUAL_ENV": sys.prefix}
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", program],
                cwd=ROOT,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def wait_for_its_address(self) -> None:
        wait_until(self._has_told_its_address, 60, f"an address in {self.log}")
        address = re.search(r"(http://[\d.:]+)/lab\?token=(\w+)", self.log.read_text())
        self.address, self.token = address.groups()

    def _has_told_its_address(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return "token=" in self.log.read_text()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as reply:
            return json.load(reply)

    def talk(self, path: str) -> websocket.WebSocket:
        address = self.address.replace("http", "ws", 1) + f"{path}?token={self.token}"
        return websocket.create_connection(address, timeout=30)

    def run(self, source: str) -> str:
        """Run a cell in a new kernel, such as a notebook asks for; what it prints."""
        kernel = self.ask("POST", "/api/kernels", {"name": "python3"})["id"]
        header = {"msg_id": "1", "msg_type": "execute_request", "session": "1", "username": ""}
        content = {"code": source, "silent": False, "store_history": False, "allow_stdin": False}
        message = {"channel": "shell", "header": header, "content": content}
        with contextlib.closing(self.talk(f"/api/kernels/{kernel}/channels")) as channels:
            channels.send(json.dumps({**message, "parent_header": {}, "metadata": {}}))
            end = time.monotonic() + 60
            while (reply := json.loads(channels.recv()))["msg_type"] != "stream":
                assert time.monotonic() < end, reply
        return reply["content"]["text"]

    def type(self, line: str, until: str) -> str:
        """Type a line in a new terminal; what it shows up to the word `until`."""
        name = self.ask("POST", "/api/terminals", {})["name"]
        with contextlib.closing(self.talk(f"/terminals/websocket/{name}")) as terminal:
            terminal.send(json.dumps(["stdin", f"{line}\r"]))
            shown, end = "", time.monotonic() + 30
            while until not in shown:
                assert time.monotonic() < end, shown
                kind, *rest = json.loads(terminal.recv())
                shown += rest[0] if kind == "stdout" else ""
        return shown

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


@contextlib.contextmanager
def serving() -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder, "log"))
        try:
            lab.wait_for_its_address()
            yield lab
        finally:
            lab.process.kill()
            lab.process.wait()


def another_kernel(variables: pytest.MonkeyPatch, home: Path) -> None:
    for folder in (home / "path", home / ".local/share/jupyter"):
        (folder / "kernels/python3").mkdir(parents=True)
        (folder / "kernels/python3/kernel.json").write_text(json.dumps(OTHER_KERNEL))
    variables.setenv("JUPYTER_PATH", str(home / "path"))
    variables.setenv("JUPYTER_PREFER_ENV_PATH", "0")


def another_configuration(variables: pytest.MonkeyPatch, home: Path) -> None:
    (home / ".jupyter").mkdir()
    (home / ".jupyter/jupyter_server_config.py").write_text(
        "c.KernelSpecManager.allowed_kernelspecs = {'ir'}\n"
        "c.KernelSpecManager.ensure_native_kernel = False\n"
        "c.ServerApp.certfile = '/nowhere/certificate.pem'\n"
    )


def a_broken_configuration(variables: pytest.MonkeyPatch, home: Path) -> None:
    (home / ".jupyter").mkdir()
    (home / ".jupyter/jupyter_server_config.py").write_text("c.ServerApp.port = (\n")
    (home / ".jupyter/jupyter_server_config.json").write_text("{")


@pytest.mark.slow
@pytest.mark.parametrize("hinder", [another_kernel, another_configuration, a_broken_configuration])
def test_a_kernel_starts_whatever_stands_in_the_readers_home(variables, tmp_path, hinder):
    hinder(variables, tmp_path)
    with serving() as lab:
        assert lab.run(WHICH_PYTHON) == f"{sys.prefix}\n"
        assert "Error" not in lab.log.read_text()
        assert lab.stop() == 0


@pytest.mark.slow
def test_a_kernel_starts_where_the_home_cannot_be_written(variables, tmp_path):
    variables.setenv("HOME", NOBODYS_HOME)
    jupyter.rest_on_this_environment(tmp_path)
    with serving() as lab:
        assert lab.run(WHICH_PYTHON) == f"{sys.prefix}\n"
        assert lab.stop() == 0


@pytest.mark.slow
def test_the_terminal_tells_what_a_reader_needs_and_nothing_else():
    with serving() as lab:
        lab.run(WHICH_PYTHON)
        lab.ask("GET", "/api/contents/exercises/01_one_worker.ipynb")
        assert lab.stop() == 0
        address, runs = lab.log.read_text().splitlines()
    assert address.startswith(lab.address)
    assert "runs" in runs and "Ctrl-C" in runs


@pytest.mark.slow
def test_gunicorn_in_a_terminal_is_the_one_of_this_environment(variables, tmp_path):
    variables.setenv("SHELL", shutil.which("bash"))
    (tmp_path / ".bashrc").write_text("PATH=/usr/bin:/bin\n")
    with serving() as lab:
        shown = lab.type("command -v gunicorn; echo E''ND", until="END")
        assert f"{sys.prefix}/bin/gunicorn" in re.split(r"[\r\n]+", shown)
        assert lab.stop() == 0
