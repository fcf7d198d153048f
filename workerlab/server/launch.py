"""Launching a server's command: its address, its environment, its folder, its guard."""

import os
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from workerlab.ports import free_port
from workerlab.probe import REPORT_TO
from workerlab.reports import reports
from workerlab.server.commands import SETTINGS, address_of, unix_socket_of
from workerlab.server.guard import Guard
from workerlab.server.start_errors import ServerDidNotStart

# What stands for a free port, and for the server's own folder, in a command, in the environment and
# in files.
PORT, FOLDER = "{port}", "{folder}"
Ready = Literal["http", "tcp"]  # what shows that a server is ready: an answer, or a connection
_END_OF_LOG = 65536  # bytes
_INJECTED = Path(__file__).with_name("inject")  # holds a sitecustomize.py


@dataclass
class Launch:
    """A command that was launched: `command` as it ran, in the folder `cwd`, at `url`.

    `port` is None where it listens at a Unix socket. `folder` is its own, and `since` the moment
    before its start, in monotonic seconds.
    """

    command: str
    cwd: Path
    url: str
    port: int | None
    folder: Path
    guard: Guard
    since: float
    _log: BinaryIO

    def log(self) -> str:
        """What it has written so far, to standard output and standard error."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def end_of_log(self) -> str:
        """The last of it: the whole may be long."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _END_OF_LOG))
        return self._log.read().decode(errors="replace")

    def silent_for(self) -> float:
        """Seconds since it wrote anything; since its start, if it has not."""
        # A file's clock may be a tick ahead.
        return max(0.0, time.time() - os.fstat(self._log.fileno()).st_mtime)

    def end(self, grace: float) -> None:
        """End it, with up to `grace` seconds from TERM to KILL. The log can still be read."""
        self.guard.end(grace)
        reports.forget(_reports(self.folder))

    def close(self) -> None:
        """Close the log."""
        self._log.close()


def launch(
    command: str,
    *,
    env: Mapping[str, str],
    cwd: Path,
    files: Mapping[str, str],
    ready: Ready = "http",
    probe: bool = False,
) -> Launch:
    """Start a server beside a guard, as `workerlab.server.Server` describes its arguments."""
    chosen = free_port() if has_port(command, env, files) else None
    host, port = _address(command.replace(PORT, str(chosen)), chosen)
    folder = Path(tempfile.mkdtemp(prefix="workerlab-"))
    command = command.replace(PORT, str(chosen)).replace(FOLDER, shlex.quote(str(folder)))
    log = folder / "server.log"
    opened = None
    try:
        for file, contents in _filled(files, chosen, folder).items():
            (folder / file).write_text(contents, encoding="utf-8")
        environment = _environment(_filled(env, chosen, folder), folder, probe)
        argv = _argv(command, environment["PATH"])
        reports.listen(_reports(folder))
        # The guard removes the folder with the server; what is open can be read all the same.
        opened = open(log, "w+b", buffering=0)  # noqa: SIM115
        since = time.monotonic()
        its_guard = Guard.start(argv, folder=folder, log=log, cwd=cwd, env=environment)
    except BaseException:
        if opened is not None:
            opened.close()
        reports.forget(_reports(folder))
        shutil.rmtree(folder, ignore_errors=True)
        raise
    url = f"{ready}://{host}:{port}" if port else f"unix:{unix_socket_of(command)}"
    return Launch(command, cwd, url, port, folder, its_guard, since, opened)


def has_port(command: str, env: Mapping[str, str], files: Mapping[str, str]) -> bool:
    """Whether it is left to the kit to choose the port."""
    return any(PORT in text for text in (command, *env.values(), *files.values()))


def _address(command: str, chosen: int | None) -> tuple[str, int | None]:
    """The host and port at which the server will listen; no port where it is a Unix socket."""
    if path := unix_socket_of(command):
        if not path.startswith(f"{FOLDER}/"):
            raise ValueError(
                f"{command}\nA socket elsewhere would outlive the server, or belong to a different "
                "one: put it in the server's own folder, unix:{folder}/app.sock"
            )
        return "", None
    host, port = address_of(command)
    if chosen not in (None, port):  # the port is given elsewhere than in an option
        return "127.0.0.1", chosen
    return host, port


def _filled(texts: Mapping[str, str], port: int | None, folder: Path) -> dict[str, str]:
    return {
        name: text.replace(PORT, str(port)).replace(FOLDER, str(folder))
        for name, text in texts.items()
    }


def _environment(env: Mapping[str, str], folder: Path, probe: bool) -> dict[str, str]:
    """The reader's own environment without settings of servers, then `env`, then the kit's own."""
    inherited = {name: os.environ[name] for name in os.environ if not SETTINGS.fullmatch(name)}
    environment = {**inherited, **env}
    # The commands typed here are this environment's, whatever the shell's PATH says.
    path = [str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
    # By default all masters of a user share one control socket.
    control = shlex.join(["--control-socket", str(folder / "control")])
    arguments = environment.get("GUNICORN_CMD_ARGS", "")
    if probe:
        found = filter(None, [str(_INJECTED), environment.get("PYTHONPATH")])
        environment["PYTHONPATH"] = os.pathsep.join(found)
    # The kit's own pipe, and those that a check has added.
    pipes = filter(None, [str(_reports(folder)), environment.get(REPORT_TO)])
    return {
        **environment,
        "PATH": os.pathsep.join(path),
        "GUNICORN_CMD_ARGS": f"{arguments} {control}".strip(),
        REPORT_TO: os.pathsep.join(pipes),
        "PYTHONUNBUFFERED": "1",
    }


def _argv(command: str, path: str) -> list[str]:
    name, *arguments = shlex.split(command)
    if re.match(r"[A-Za-z_]\w*=", name):
        name, arguments = "env", [name, *arguments]  # a variable, which a shell would set
    program = shutil.which(name, path=path)
    if program is None:
        raise ServerDidNotStart(f"There is no command {name!r} in this environment.")
    return [program, *arguments]


def _reports(folder: Path) -> Path:
    return folder / "reports"
