"""./learn: the environment is made once, repaired when needed, and every obstacle is a sentence."""

import ast
import contextlib
import importlib.machinery
import importlib.util
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from workerlab import ROOT, ports
from workerlab.course import check, cli, jupyter, progress, test, update, workspace

BASE_PYTHON = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")

# Stands where uv would: takes the time it is told to, waits for a file if told so, then puts a
# workerlab.course.cli into the environment which says what it was given.
UV = """\
#!{python}
import os, pathlib, subprocess, sys, time
with open(os.environ["UV_CALLS"], "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
print(os.environ.get("UV_SAYS", ""))
time.sleep(float(os.environ.get("UV_TAKES", 0)))
while "UV_WAITS_FOR" in os.environ and not os.path.exists(os.environ["UV_WAITS_FOR"]):
    time.sleep(0.01)
if "UV_SAYS" in os.environ:
    sys.exit(2)
python = sys.argv[sys.argv.index("--python") + 1]
where = subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"])
packages = pathlib.Path(where.decode().strip())
for line in [*open("requirements.txt"), "workerlab=="]:
    name, pinned, _ = line.partition("==")
    if pinned:
        name = name.partition("[")[0].replace("-", "_")
        (packages / name).mkdir()
        (packages / name / "__init__.py").touch()
        (packages / (name + "-1.dist-info")).mkdir()
        record = name + "/__init__.py,sha256=x,0\\n" + name + "/x.cpython-311.pyc,,\\n"
        (packages / (name + "-1.dist-info") / "RECORD").write_text(record)
package = packages / "workerlab" / "course"
package.mkdir(parents=True, exist_ok=True)
(package / "cli.py").write_text('''
import json, os, random, shutil, sys
print(json.dumps(dict(
    arguments=sys.argv[1:], cwd=os.getcwd(), prefix=sys.prefix, random=random.__file__,
    python=shutil.which("python"), pythonpath=os.environ.get("PYTHONPATH"),
)))
''')
"""


class Clone:
    """A copy of what ./learn reads, and the ./learn processes that a test starts in it."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder = folder
        self.calls = tools / "calls"
        folder.mkdir(parents=True)
        for name in ("learn", "requirements.txt", "constraints.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        tools.mkdir()
        uv = tools / "uv"
        uv.write_text(UV.format(python=BASE_PYTHON))
        uv.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "UV_CALLS": str(self.calls),
        }
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, learn: Path | None = None, **options) -> subprocess.Popen[str]:
        environment = self.environment | options.pop("env", {})
        process = subprocess.Popen(
            [BASE_PYTHON, learn or self.folder / "learn", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def installs(self) -> int:
        return len(self.calls.read_text().splitlines()) if self.calls.exists() else 0

    def end(self) -> None:
        for process in self.processes:
            # The whole group: also the uv that a killed ./learn has left at work.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=10)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    clone = Clone(tmp_path / "a clone for Jürgen", tmp_path / "tools")
    yield clone
    clone.end()


@pytest.fixture(scope="module")
def learn() -> ModuleType:
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("learn", str(ROOT / "learn"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("learn", loader))
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes_bytecode
    return module


def wait_for(condition: Callable[[], bool], what: str, timeout: float = 20.0) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"waited {timeout} s for {what}"
        time.sleep(0.01)


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The one line by which ./learn says that it cannot go on."""
    progress = "Setting up .venv"
    lines = [line for line in result.stderr.splitlines() if not line.startswith(progress)]
    assert result.returncode == 1, result.stderr
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("learn: ")
    return lines[0]


# What ./learn says of itself


def test_help_needs_no_environment_and_names_every_command(clone):
    result = clone.run("--help")
    assert result.returncode == 0
    assert not (clone.folder / ".venv").exists()
    commands = cli.build_parser()._subparsers._group_actions[0].choices
    for command in commands:
        assert f"\n  ./learn {command} " in result.stdout
    for option in ("--no-browser", "--port N", "--allow-root"):
        assert f"\n  {option} " in result.stdout


def test_an_old_python_can_read_it_so_far_as_to_say_that_it_is_old():
    ast.parse((ROOT / "learn").read_text(encoding="utf-8"), feature_version=(3, 6))


# What cannot go on


def test_windows_is_told_first(learn, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        patch.setattr(sys, "version_info", (3, 8, 0))
        said = learn.obstacle([])
    assert "WSL" in said and "container" in said


def test_an_old_python(learn, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    assert learn.obstacle(["doctor"]).startswith("Python 3.11 or newer is needed, this is 3.10")


@pytest.mark.parametrize(
    ("user", "arguments", "refused"),
    [
        (0, [], True),
        (0, ["--no-browser"], True),
        (0, ["--no-browser", "--allow-root"], False),
        (0, ["test", "-k", "timeline"], False),
        (0, ["doctor"], False),
        (1000, [], False),
    ],
)
def test_root_is_refused_before_the_installation(learn, monkeypatch, user, arguments, refused):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert ("--allow-root" in learn.obstacle(arguments)) is refused


def test_a_colon_in_the_path(tmp_path):
    clone = Clone(tmp_path / "a:b", tmp_path / "tools")
    try:
        assert "colon" in sentence(clone.run("doctor"))
        assert not (clone.folder / ".venv").exists()
    finally:
        clone.end()


# Root may write everywhere, so it becomes somebody else, who may be unable to read the standard
# library: all modules are loaded before.
AS_ANOTHER_USER = """
import fcntl, os, sys, time
del sys.argv[0]
script = compile(open(sys.argv[0]).read(), sys.argv[0], "exec")
if os.geteuid() == 0:
    os.setuid(65534)
exec(script, {"__name__": "__main__", "__file__": sys.argv[0]})
"""


def test_a_folder_that_cannot_be_written(clone):
    # pytest's own folders are closed to the other user which root has to become here.
    with tempfile.TemporaryDirectory() as open_to_all:
        folder = Path(open_to_all, "clone")
        shutil.copytree(clone.folder, folder)
        Path(open_to_all).chmod(0o755)
        folder.chmod(0o555)
        result = subprocess.run(
            [BASE_PYTHON, "-c", AS_ANOTHER_USER, folder / "learn", "doctor"],
            capture_output=True,
            text=True,
            timeout=30,
        )
        folder.chmod(0o755)
    assert "cannot be written" in sentence(result)


def test_a_python_without_the_venv_package(clone, tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/ensurepip.py").write_text("raise ImportError")
    result = clone.run(
        "doctor", env={"PATH": str(tmp_path / "modules"), "PYTHONPATH": str(tmp_path / "modules")}
    )
    assert "python3-venv" in sentence(result)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "error: Failed to fetch: `https://pypi.org/simple/pytest/`\n"
            "  Caused by: dns error\n  Caused by: failed to lookup address information",
            "network",
        ),
        (
            "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by "
            "'NewConnectionError(...): Failed to establish a new connection: [Errno 111]'\n"
            "ERROR: No matching distribution found for uv",
            "network",
        ),
        (
            "error: Failed to install: numpy.whl\n  Caused by: failed to copy file\n"
            "  Caused by: No space left on device (os error 28)",
            "disk is full",
        ),
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "disk is full"),
        ("error: Permission denied (os error 13)", "permissions"),
    ],
)
def test_the_known_causes_of_a_failed_installation(learn, capsys, output, said):
    with pytest.raises(SystemExit) as end:
        learn.give_up(output)
    assert said in end.value.code
    assert capsys.readouterr().err == ""


NOWHERE = "error: Failed to fetch: `http://127.0.0.1:9/simple/pytest/`"
NONE_FOUND = "ERROR: No matching distribution found for uv"


@pytest.fixture
def settings(learn, tmp_path, monkeypatch) -> Path:
    """An empty home without any setting of this machine."""
    for name in [name for name in os.environ if name.upper().startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    places = learn.configuration_files
    monkeypatch.setattr(
        learn,
        "configuration_files",
        lambda: [file for file in places() if not file.startswith(("/etc", "/Library"))],
    )
    return tmp_path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_NO_INDEX", "1"),
        ("PIP_INDEX_URL", "http://127.0.0.1:9/simple"),
        ("UV_INDEX_URL", "http://127.0.0.1:9/simple"),
        ("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple"),
        ("UV_OFFLINE", "1"),
        ("https_proxy", "http://127.0.0.1:9"),
    ],
)
def test_a_variable_that_sends_pip_or_uv_elsewhere_is_named(
    learn, settings, monkeypatch, name, value
):
    assert name not in learn.cause(NOWHERE)
    monkeypatch.setenv(name, value)
    for output in (NOWHERE, NONE_FOUND):
        said = learn.cause(output)
        assert f"start again: {name}." in said and value not in said


@pytest.mark.parametrize(
    ("file", "text", "setting"),
    [
        (".config/pip/pip.conf", "[global]\nindex-url = http://127.0.0.1:9\n", "index-url"),
        (".pip/pip.conf", "[global]\ntimeout = 9\nno-index = true\n", "no-index"),
        (".config/uv/uv.toml", '[[index]]\nurl = "http://127.0.0.1:9"\n', "index"),
        (".config/uv/uv.toml", "offline = true\n", "offline"),
        (".config/uv/uv.toml", 'index-url = "http://127.0.0.1:9"\n', "index-url"),
    ],
)
def test_a_line_that_sends_pip_or_uv_elsewhere_is_named(learn, settings, file, text, setting):
    (settings / file).parent.mkdir(parents=True)
    (settings / file).write_text(text)
    assert f"start again: {setting} in {settings / file}." in learn.cause(NONE_FOUND)
    (settings / file).write_text("# index-url, offline\n[global]\ntimeout = 9\n")
    assert learn.cause(NONE_FOUND) == ""


def test_an_unknown_cause_is_shown(learn, capsys):
    with pytest.raises(SystemExit, match="above"):
        learn.give_up("error: the moon is in the wrong quarter")
    assert "moon" in capsys.readouterr().err


# Making and keeping the environment


def test_the_first_start_installs_and_the_second_does_not(clone, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(clone.folder / "learn")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "random.py").write_text("")
    for name in ("random", "subprocess"):
        (clone.folder / f"{name}.py").write_text("raise SystemExit('not the library')")
    first = clone.run("one", "--two", learn=link, cwd=folder, env={"PYTHONPATH": str(folder)})
    said = json.loads(first.stdout)
    assert said["arguments"] == ["one", "--two"]
    assert said["cwd"] == str(folder)
    assert said["prefix"] == str(clone.folder / ".venv")
    assert said["python"] == str(clone.folder / ".venv/bin/python")
    assert said["random"] != str(folder / "random.py")
    assert said["pythonpath"] is None
    assert "Setting up .venv, since it is not there yet" in first.stderr
    assert " s, with uv." in first.stderr
    assert "requirements.txt -c constraints.txt" in clone.calls.read_text()
    second = clone.run("one", "--two", cwd=folder)
    assert json.loads(second.stdout) == said
    assert second.stderr == ""
    assert clone.installs() == 1


def cut_off(clone: Clone) -> None:
    (clone.folder / ".venv/learn-stamp").unlink()


def change_pins(clone: Clone) -> None:
    with (clone.folder / "constraints.txt").open("a") as constraints:
        constraints.write("one-more==1.0\n")


def move(clone: Clone) -> None:
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))


def lose_the_python(clone: Clone) -> None:
    python = clone.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")


def packages(clone: Clone) -> Path:
    return next((clone.folder / ".venv/lib").glob("python*/site-packages"))


def lose_a_package(clone: Clone) -> None:
    shutil.rmtree(packages(clone) / "fastapi")


def lose_a_record(clone: Clone) -> None:
    shutil.rmtree(packages(clone) / "pytest_xdist-1.dist-info")


def have_those_of_another_python(clone: Clone) -> None:
    packages(clone).parent.rename(clone.folder / ".venv/lib/python3.10")


def lose_the_configuration(clone: Clone) -> None:
    (clone.folder / ".venv/pyvenv.cfg").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        cut_off,
        change_pins,
        move,
        lose_the_python,
        lose_a_package,
        lose_a_record,
        have_those_of_another_python,
        lose_the_configuration,
    ],
)
def test_a_damaged_environment_is_made_anew(clone, damage):
    assert clone.run("x").returncode == 0
    left_behind = clone.folder / ".venv/left-behind"
    left_behind.touch()
    damage(clone)
    result = clone.run("x")
    assert json.loads(result.stdout)["prefix"] == str(clone.folder / ".venv")
    assert not (clone.folder / ".venv/left-behind").exists()
    assert clone.installs() == 2
    assert clone.run("x").stderr == ""


def test_a_repair_says_what_is_missing(clone):
    clone.run("x")
    lose_a_package(clone)
    assert "since files are missing from fastapi:" in clone.run("x").stderr


def test_compiled_files_may_be_missing(clone):
    clone.run("x")
    assert not list(packages(clone).glob("fastapi/*.pyc"))
    assert clone.run("x").stderr == ""


def test_a_python_that_cannot_be_run(clone):
    clone.run("x")
    python = clone.folder / ".venv/bin/python"
    target = python.resolve()
    python.unlink()
    python.write_bytes(b"\x7fELF of another machine")
    python.chmod(0o755)
    stamp = clone.folder / ".venv/learn-stamp"
    stamp.write_text(stamp.read_text().replace(str(target), str(python)))
    assert "delete the folder .venv" in sentence(clone.run("x"))


@pytest.mark.slow
def test_on_a_terminal_each_second_of_a_long_step_is_told(clone):
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            [BASE_PYTHON, clone.folder / "learn", "x"],
            env=clone.environment | {"UV_TAKES": "2.5"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # so Linux ends what a terminal shows
            while part := screen.read(1000):
                shown += part
        assert process.wait(timeout=10) == 0
    for seconds in (0, 1, 2):
        assert f"\r\033[K  installing the packages: {seconds} s".encode() in shown
    assert b"\r\033[KDone in " in shown


def test_jupyterlab_is_announced_after_the_first_set_up_only(clone):
    arguments = ("--no-browser", "--allow-root")
    assert "Starting JupyterLab" in clone.run(*arguments).stderr
    assert clone.run(*arguments).stderr == ""
    cut_off(clone)
    assert "Starting JupyterLab" not in clone.run("progress").stderr


def test_ctrl_c_is_a_line_and_the_next_start_repairs(clone):
    process = clone.start("x", env={"UV_TAKES": "30"})
    wait_for(lambda: clone.installs() == 1, "uv to start")
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "learn: stopped" in err and "Traceback" not in err
    assert out == ""
    assert clone.run("x").returncode == 0
    assert clone.installs() == 2


def test_an_interrupt_is_held_while_the_command_starts(learn, monkeypatch):
    held = []
    monkeypatch.setattr(os, "execve", lambda *_: held.extend(signal.pthread_sigmask(0, [])))
    try:
        learn.hand_over([])
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    assert held == [signal.SIGINT]


def test_an_interrupt_that_was_held_ends_the_command_without_a_traceback():
    def hold_one():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        os.kill(os.getpid(), signal.SIGINT)

    command = [sys.executable, "-P", "-m", "workerlab.course.cli", "progress"]
    done = subprocess.run(command, preexec_fn=hold_one, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_two_at_once_install_once(clone):
    go_on = clone.folder / "go-on"
    first = clone.start("first", env={"UV_WAITS_FOR": str(go_on)})
    wait_for(lambda: clone.installs() == 1, "uv to start")
    second = clone.start("second")
    assert "Another ./learn" in second.stderr.readline()
    go_on.touch()
    outputs = [process.communicate(timeout=30)[0] for process in (first, second)]
    assert [json.loads(out)["arguments"] for out in outputs] == [["first"], ["second"]]
    assert clone.installs() == 1


def test_the_uv_of_a_killed_start_is_waited_for(clone):
    go_on = clone.folder / "go-on"
    first = clone.start("first", env={"UV_WAITS_FOR": str(go_on)})
    wait_for(lambda: clone.installs() == 1, "uv to start")
    first.kill()
    second = clone.start("second")
    assert "Another ./learn" in second.stderr.readline()
    assert clone.installs() == 1
    go_on.touch()
    out, _ = second.communicate(timeout=30)
    assert json.loads(out)["arguments"] == ["second"]
    assert clone.installs() == 2


def test_the_script_can_be_started_while_an_installation_goes_on(clone):
    process = clone.start("first", env={"UV_TAKES": "30"})
    wait_for(lambda: clone.installs() == 1, "uv to start")
    process.kill()  # the uv that it has started goes on, and holds what it has inherited
    # By its path, as a reader types it: the kernel runs no script that is open for writing.
    script = str(clone.folder / "learn")
    result = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("usage: ./learn")


def test_what_a_linked_environment_points_to_is_left_alone(clone, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "precious").touch()
    (clone.folder / ".venv").symlink_to(shared)
    result = clone.run("x")
    assert f".venv is a link to {shared}; remove the link" in sentence(result)
    assert [file.name for file in shared.iterdir()] == ["precious"]
    assert clone.installs() == 0


@pytest.mark.parametrize("target", ["/nowhere/at/all", "learn"])
def test_a_link_that_leads_to_no_folder(clone, target):
    (clone.folder / ".venv").symlink_to(target)
    assert f".venv is a link to {target}; remove the link" in sentence(clone.run("x"))


def test_a_file_where_the_environment_should_be(clone):
    (clone.folder / ".venv").touch()
    assert ".venv is a file, but it has to be a folder; remove it: rm '" in sentence(clone.run("x"))


# Where the output goes


def in_shell(command: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=60, **options
    )


def test_what_is_closed_costs_neither_the_command_nor_its_status(clone):
    learn = f"'{BASE_PYTHON}' '{clone.folder}/learn'"
    clone.run("x")
    for closed in (">&-", "2>&-", ">&- 2>&- <&-"):
        assert in_shell(f"{learn} --help {closed}").returncode == 0
        result = in_shell(f"{learn} one {closed}")
        assert (result.returncode, result.stderr) == (0, "")
        assert ("arguments" in result.stdout) is (closed == "2>&-")


def test_closed_output_does_not_land_in_the_file_that_is_opened_next(clone):
    said = in_shell(f"'{BASE_PYTHON}' '{clone.folder}/learn' x >&- 2>&-", env=clone.environment)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    assert (clone.folder / ".learn-lock").read_text() == ""
    stamp = (clone.folder / ".venv/learn-stamp").read_text()
    assert stamp.startswith(str(clone.folder)) and "Done in" not in stamp


CLI = f"'{sys.executable}' -P -m workerlab.course.cli"
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


@needs_full
def test_a_full_disk_is_a_sentence(clone):
    result = in_shell(f"'{BASE_PYTHON}' '{clone.folder}/learn' --help >/dev/full")
    assert "No space left" in sentence(result)
    assert "disk is full" in sentence(in_shell(f"{CLI} progress >/dev/full"))


@needs_full
@pytest.mark.parametrize("command", ["nonsense", "check 99", "--port http"])
def test_a_status_does_not_change_with_the_output(command):
    usual = in_shell(f"{CLI} {command}")
    full = in_shell(f"{CLI} {command} >/dev/full")
    assert usual.returncode == full.returncode == 2
    assert full.stderr == usual.stderr


# Runs the command `progress` with another module in its place.
WITH_PROGRESS = """
import runpy, sys, types
sys.prefix, sys.argv[1:] = sys.argv[1], ["progress"]
module = types.ModuleType("progress")
module.show = lambda: __import__({missing!r})
import workerlab.course
workerlab.course.progress = sys.modules["workerlab.course.progress"] = module
runpy.run_module("workerlab.course.cli", run_name="__main__")
"""


def test_a_package_that_is_found_missing_has_the_next_start_repair(tmp_path):
    (tmp_path / "learn-stamp").touch()
    script = WITH_PROGRESS.format(missing="some_package")
    command = [sys.executable, "-P", "-c", script, tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert "No module named 'some_package'" in sentence(result)
    assert not (tmp_path / "learn-stamp").exists()


def test_an_error_in_the_repository_itself_stays_a_traceback(tmp_path):
    (tmp_path / "learn-stamp").touch()
    script = WITH_PROGRESS.format(missing="workerlab.no_such_module")
    command = [sys.executable, "-P", "-c", script, tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert "Traceback" in result.stderr
    assert (tmp_path / "learn-stamp").exists()


@pytest.mark.parametrize(
    ("limits", "set_to"),
    [
        ((256, 100_000), [(4096, 100_000)]),
        ((256, resource.RLIM_INFINITY), [(4096, resource.RLIM_INFINITY)]),
        ((256, 1000), [(1000, 1000)]),
        ((256, 256), []),
        ((20_000, 20_000), []),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), []),
    ],
)
def test_as_many_open_files_are_allowed_as_can_be(monkeypatch, limits, set_to):
    calls = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: calls.append(new))
    cli.allow_open_files()
    assert calls == set_to


# The commands


@pytest.mark.parametrize("arguments", [["--port", "0"], ["--port", "http"], ["--prot", "1"]])
def test_a_wrong_argument_is_a_usage_line(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    assert "usage: ./learn" in capsys.readouterr().err


def test_only_test_takes_further_arguments(monkeypatch):
    calls = []
    monkeypatch.setattr(test, "run", lambda *args, **options: calls.append((args, options)))
    cli.main(["test", "-k", "timeline", "lessons/01.ipynb", "--all"])
    assert calls == [((["-k", "timeline", "lessons/01.ipynb"],), {"slow": True})]
    with pytest.raises(SystemExit):
        cli.main(["doctor", "-k", "timeline"])


@pytest.mark.parametrize(
    ("arguments", "module", "function", "given"),
    [
        (["check"], check, "run", ([],)),
        (["check", "01", "2"], check, "run", (["01", "2"],)),
        (["progress"], progress, "show", ()),
        (["reset", "lessons/01"], workspace, "reset", ("lessons/01",)),
        (["update"], update, "run", ()),
    ],
)
def test_a_command_is_handed_on_and_its_status_back(
    monkeypatch, arguments, module, function, given
):
    calls = []
    monkeypatch.setattr(module, function, lambda *args: calls.append(args) or 7)
    assert cli.main(arguments) == 7
    assert calls == [given]


@pytest.mark.parametrize("arguments", [["reset"], ["reset", "1", "2"], ["progress", "1"]])
def test_what_a_command_does_not_take(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2


def test_a_folder_whose_name_is_not_utf_8_has_its_stamp(learn, tmp_path, monkeypatch):
    monkeypatch.setattr(learn, "STAMP", str(tmp_path / "stamp"))
    monkeypatch.setattr(learn, "PYTHON", sys.executable)
    monkeypatch.setattr(learn, "fingerprint", lambda: os.fsdecode(b"/caf\xe9"))
    monkeypatch.setattr(learn, "install", lambda lock: "nothing")
    monkeypatch.setattr(learn, "incomplete_packages", lambda: [])
    learn.set_up("it is not there yet")
    assert learn.what_is_lacking() == ""


def test_a_pipe_that_was_closed_is_no_traceback():
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [sys.executable, "-m", "workerlab.course.cli", "progress"],
        stdout=write,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        timeout=30,
    )
    os.close(write)
    assert (result.returncode, result.stderr) == (141, b"")


def test_a_port_that_is_asked_for_must_be_free():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(SystemExit, match="is taken"):
            jupyter.serve(None, port=listener.getsockname()[1])


def test_the_question_about_news_is_answered_once(tmp_path):
    jupyter.ask_no_questions(tmp_path)
    (file,) = tmp_path.rglob("*.json")
    assert '"fetchNews": "false"' in file.read_text()
    file.write_text("{}")
    jupyter.ask_no_questions(tmp_path)
    assert file.read_text() == "{}"


def test_the_tabs_of_exercises_and_solutions_get_a_style_sheet_if_it_can_be_written(tmp_path):
    jupyter.tell_tabs_apart(tmp_path)
    (sheet,) = tmp_path.rglob("custom/custom.css")
    for folder, word in (("exercises", "Exercise"), ("solutions", "Solution")):
        assert f'title*="{folder}/"' in sheet.read_text() and f'"{word} "' in sheet.read_text()
    (tmp_path / "file").touch()
    jupyter.tell_tabs_apart(tmp_path / "file")


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([0, 0], 0),
        ([0, 1], 1),
        ([1, 0], 1),
        ([-9, 0], -9),
        ([test.NOTHING_COLLECTED, -9], -9),
        ([0, test.NOTHING_COLLECTED], 0),
        ([test.NOTHING_COLLECTED, 0], 0),
        ([test.NOTHING_COLLECTED] * 2, test.NOTHING_COLLECTED),
        ([test.INTERRUPTED], test.INTERRUPTED),
        ([1, test.INTERRUPTED], test.INTERRUPTED),
    ],
)
def test_all_runs_the_slow_ones_last_and_fails_if_one_does(monkeypatch, statuses, status):
    commands, remaining = [], iter(statuses)
    monkeypatch.setattr(test, "call", lambda command: commands.append(command) or next(remaining))
    assert test.run(["-x"], slow=True) == status
    marks = [command[command.index("-m", 3) + 1] for command in commands]
    assert marks == ["not slow", "slow"][: len(statuses)]
    assert all("--nbval" in command and command[-1] == "-x" for command in commands)


def test_without_all_the_slow_ones_stay_out(monkeypatch):
    commands = []
    monkeypatch.setattr(test, "call", lambda command: commands.append(command) or 1)
    assert test.run([]) == 1
    [command] = commands
    assert command[-6:] == ["-m", "not slow", "--dist", "loadfile", "-n", "4"]


def test_named_files_run_one_by_one(monkeypatch):
    commands = []
    monkeypatch.setattr(test, "call", lambda command: commands.append(command) or 0)
    assert test.run(["tests/course/test_learn.py::test_named_files_run_one_by_one"]) == 0
    assert len(commands) == 1 and "-n" not in commands[0]


def test_a_file_is_found_from_the_readers_folder(monkeypatch):
    here = Path(__file__)
    monkeypatch.chdir(here.parent)
    assert test.from_root(f"{here.name}::test_x") == f"{here}::test_x"
    assert test.from_root("-x") == "-x"
    assert test.from_root(f"tests/{here.name}") == f"tests/{here.name}"
    monkeypatch.chdir(ROOT)
    assert test.from_root("tests") == "tests"


def test_ctrl_c_leaves_pytest_the_time_for_its_summary():
    # Not in one sleep: a signal that comes just before it is seen when it is over.
    waits = (
        "import signal, sys, time\n"
        "try:\n    print('up', flush=True)\n    for _ in range(300): time.sleep(0.1)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.6); print('summary'); sys.exit(2)\n"
    )
    command = [sys.executable, "-c", waits]
    runs = f"import sys; from workerlab.course import test; sys.exit(test.call({command}))"
    with subprocess.Popen(
        [sys.executable, "-c", runs], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout.readline() == "up\n"
            os.killpg(process.pid, signal.SIGINT)
            out, _ = process.communicate(timeout=10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, out) == (2, "summary\n")


# For real: these download packages, or start JupyterLab


def tracked_files() -> list[str]:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(
        listing, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return [name for name in names.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def real_clone(tmp_path_factory) -> Iterator[Clone]:
    """This repository in a path with a space and an umlaut, with the uv of this machine, if any."""
    base = tmp_path_factory.mktemp("real")
    clone = Clone(base / "Jürgens clone", base / "tools")
    clone.environment = dict(os.environ)
    for name in tracked_files():
        (clone.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone.folder / name)
    yield clone
    clone.end()
    shutil.rmtree(base)


def fetch(address: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=10) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.slow
def test_an_installation_that_was_killed_is_repaired(real_clone):
    packages = real_clone.folder / ".venv/lib"
    process = real_clone.start("doctor")
    wait_for(
        lambda: len(list(packages.glob("python*/site-packages/*"))) > 10, "packages to arrive", 120
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    process = real_clone.start("doctor")
    out, err = process.communicate(timeout=300)
    assert "Done in" in err
    # Servers of other tests may be seen as stray ones; what was installed must be in order.
    for name in ("Python", "packages", "Jupyter"):
        assert f"OK    {name}: " in out


@pytest.mark.slow
def test_jupyterlab_is_served_with_a_token_and_ends_at_ctrl_c(real_clone):
    port = jupyter.PORT + 1000
    while not ports.is_free(port):
        port += 1
    with tempfile.TemporaryFile("w+") as log:
        command = [real_clone.folder / "learn", "--no-browser", "--allow-root", "--port", str(port)]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            address = process.stdout.readline().strip()
            assert address.startswith(f"http://127.0.0.1:{port}/lab")
            assert fetch(address) == 200
            assert fetch(f"http://127.0.0.1:{port}/api/contents?token=wrong") == 403
            lessons = sorted((real_clone.folder / "lessons").glob("*.ipynb"))
            copies = sorted((real_clone.folder / "mine/lessons").glob("*.ipynb"))
            assert [copy.name for copy in copies] == [lesson.name for lesson in lessons]
            if lessons:
                assert f"/lab/tree/mine/lessons/{lessons[0].name}?token=" in address
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
            assert process.stdout.read() == ""
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        assert "Traceback" not in log.read()
    assert ports.is_free(port)


SETTINGS = "[pytest]\nmarkers = slow: takes long\naddopts = -p workerlab.course.without_iri\n"
QUICK = "def test_quick():\n    assert {}\n"
SLOW = "import pytest\n\n@pytest.mark.slow\ndef test_slow():\n    assert {}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quick", "slow", "status", "last"),
    [(True, False, 1, "1 failed"), (True, None, 0, "no tests ran")],
)
def test_pytest_is_run_and_its_summary_comes_last(
    tmp_path, monkeypatch, capfd, quick, slow, status, last
):
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    (tmp_path / "tests/test_quick.py").write_text(QUICK.format(quick))
    if slow is not None:
        (tmp_path / "tests/test_slow.py").write_text(SLOW.format(slow))
    monkeypatch.setattr(test, "ROOT", tmp_path)
    monkeypatch.setattr(test, "AT_ONCE", "1")
    assert test.run([], slow=True) == status
    assert last in capfd.readouterr().out.splitlines()[-1]


@pytest.mark.slow
def test_no_network_is_a_sentence(clone, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    uv = shutil.which("uv")
    tools = tmp_path / "real tools"
    tools.mkdir()
    if uv:
        (tools / "uv").symlink_to(uv)
    environment = {
        "PATH": f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "ALL_PROXY": nowhere,
        "NO_PROXY": "",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }
    assert "network" in sentence(clone.run("doctor", env=environment))
    assert not (clone.folder / ".venv/learn-stamp").exists()
