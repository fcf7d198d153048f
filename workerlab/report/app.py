"""Starting the reader's app in its own environment, with the watch around it; ending it.

Each start has a guard (workerlab.server.guard), so nothing outlives the command, however it ends.
"""

import contextlib
import ipaddress
import json
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from workerlab.ports import free_port
from workerlab.report.addresses import on_loopback, server_of
from workerlab.report.client import Call, Reply, ask
from workerlab.report.environment import CannotRun
from workerlab.report.inject import workerlab_watch as watch
from workerlab.report.reader import Reader
from workerlab.report.reasons import why
from workerlab.server import processes
from workerlab.server.commands import SETTINGS
from workerlab.server.guard import Guard
from workerlab.server.start_errors import has_failed, is_port_taken

INJECTED = Path(watch.__file__).parent
START_LIMIT = 60.0  # seconds from the command to the watch's first answer
AFTER_A_FAILURE = 1.0  # seconds that a server may still take to answer after a fatal line
FOR_THE_WATCH = 5.0  # seconds from the app's own first answer to the watch's
GRACE = 4.0  # seconds from TERM to KILL
TRIES = 3  # where another program takes the port in between
END_OF_LOG = 65536  # bytes
CALLED_AS_WSGI = re.compile(r"missing \d required positional arguments?: .*'send'")


class Started:
    """A running app: `port`, `pid` of its first process, what the watch noted."""

    def __init__(self, reader: Reader, words: list[str], told: dict[str, str]) -> None:
        self.reader = reader
        self.began = time.monotonic()
        self.port = free_port()
        self.words, self.removed = on_loopback(words, self.port)
        self.folder = Path(tempfile.mkdtemp(prefix="workerlab-report-"))
        self._notes = self.folder / "notes"
        self._notes.mkdir()
        self._log = self.folder / "server.log"
        self._end_of_log: str | None = None
        self._ending: list[dict[str, Any]] | None = None
        try:
            environment = self._variables(told)
            program = shutil.which(self.words[0], path=environment["PATH"])
            if program is None:
                raise CannotRun(f"There is no command {self.words[0]!r} in that environment.")
            self.guard = Guard.start(
                [program, *self.words[1:]],
                folder=self.folder,
                log=self._log,
                cwd=reader.folder,
                env=environment,
            )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _variables(self, told: dict[str, str]) -> dict[str, str]:
        """The reader's own variables, without settings of servers; then the report's.

        `told` is for inject/sitecustomize.py, which reads it as WORKERLAB_REPORT_NAME.
        """
        own = {name: os.environ[name] for name in os.environ if not SETTINGS.fullmatch(name)}
        # Ours would lead to our own packages.
        for name in ("PYTHONHOME", "VIRTUAL_ENV", "PYTHONSAFEPATH", "PYTHONNOUSERSITE"):
            own.pop(name, None)
        own |= self.reader.variables
        environment = self.reader.environment
        path = [str(environment.folder), own.get("PATH", os.defpath)]
        python_path = filter(None, [str(INJECTED), own.get("PYTHONPATH")])
        own |= {
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": os.pathsep.join(python_path),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",  # nothing is left in the reader's folder
            "WORKERLAB_REPORT_FOLDER": str(self._notes),
            "WORKERLAB_REPORT_PORT": str(self.port),
        }
        own |= {f"WORKERLAB_REPORT_{name}": value for name, value in told.items()}
        if "control_socket" in environment.settings:  # older ones do not know the option
            control = f"--control-socket {self.folder / 'control'}"
            own["GUNICORN_CMD_ARGS"] = f"{own.get('GUNICORN_CMD_ARGS', '')} {control}".strip()
        return own

    def wait(self) -> None:
        """Return when the watch answers: then a worker has loaded the app.

        Gunicorn opens its port long before that. Raises CannotRun with the reason.
        """
        deadline = time.monotonic() + START_LIMIT
        failing = answered = None
        while True:
            reply = ask(self.port, Call(watch.PING), limit=1.0)
            now = time.monotonic()
            if reply.status == 204 and reply.pid:
                self.seconds = now - self.began
                self._refuse_beyond_loopback()
                return
            self.guard.look()
            if self.guard.gone:
                raise self.failed("ended before it answered")
            if failing is None and has_failed(self.log()):
                failing = now
            if failing is not None and now > failing + AFTER_A_FAILURE:
                raise self.failed("did not start")
            if reply.status is not None:
                answered = answered or now
                if now > answered + FOR_THE_WATCH:
                    if CALLED_AS_WSGI.search(self.log()):
                        raise CannotRun(
                            "Gunicorn calls this ASGI app as if it were a WSGI app: the command "
                            "needs --worker-class, such as uvicorn_worker.UvicornWorker."
                        )
                    raise CannotRun(
                        "The app answers, but the report could not get around it: the server is "
                        "neither Uvicorn nor Gunicorn's asgi worker, or the command clears "
                        "PYTHONPATH (as `python -I` does). Name the app without --command, and "
                        "Uvicorn serves it."
                    )
            if now > deadline:
                self._refuse_beyond_loopback()
                raise self.failed(f"did not answer within {START_LIMIT:g} s")
            if reply.ending == "refused":
                self._refuse_beyond_loopback()
            time.sleep(0.05)

    def _refuse_beyond_loopback(self) -> None:
        for held in processes.listening([process.pid for process in self.guard.members()]):
            if not ipaddress.ip_address(held.host).is_loopback:
                raise CannotRun(
                    "The command would listen beyond this machine, and its address could not be "
                    "replaced: write 127.0.0.1 and {port} in it."
                )

    def failed(self, what: str) -> CannotRun:
        log = self.log()
        kind = PortTaken if is_port_taken(log) else CannotRun
        because = why(log)
        return kind(f"The app {what}{': ' + because if because else ''}.")

    def log(self) -> str:
        """The end of what it has written: for the terminal and to look for causes, never a page."""
        if self._end_of_log is not None:
            return self._end_of_log
        try:
            with open(self._log, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - END_OF_LOG))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def notes(self, what: str | None = None) -> list[dict[str, Any]]:
        """What the watch has noted in all of the app's processes, in the order of time."""
        if self._ending is None:
            found = []
            for file in self._notes.glob("*.jsonl"):
                for line in file.read_text(encoding="utf-8").splitlines():
                    with contextlib.suppress(ValueError):  # cut off by a kill
                        found.append(json.loads(line))
            found.sort(key=lambda note: note["when"])
        else:
            found = self._ending
        return [note for note in found if what in (None, note["what"])]

    def ask(self, call: Call, limit: float, keep: bool = False) -> Reply:
        """Send one request, with the reader's own headers under those of the call."""
        headers = {**self.reader.headers, **call.headers}
        return ask(self.port, Call(call.path, call.method, headers, call.body), limit, keep)

    def description(self) -> dict[str, Any]:
        """What the watch finds out about the app: its OpenAPI, its routes, its loggers, and whether
        Gunicorn preloads it."""
        reply = ask(self.port, Call(watch.APP), limit=20.0, keep=True)
        if reply.status != 200 or reply.ending != "complete":
            return {}
        is_preloaded = any(note["value"] for note in self.notes("preload_app"))
        return {**json.loads(reply.body), "is_preloaded": is_preloaded}

    @property
    def pids(self) -> list[int]:
        return sorted(process.pid for process in self.guard.members())

    @property
    def master(self) -> int:
        """The topmost process that has the listening socket, or its parent."""
        holders = {held.pid for held in processes.listening(self.pids, self.port)}
        for pid in sorted(holders):
            if psutil.Process(pid).ppid() not in holders:
                return pid
        return self.guard.leader

    @property
    def workers(self) -> list[int]:
        """The processes in which the watch has begun, and which live."""
        begun = {note["pid"] for note in self.notes("begun")}
        return sorted(pid for pid in begun if processes.is_alive(pid))

    def wait_for_workers(self, count: int, limit: float = 30.0, gone: int | None = None) -> bool:
        """Whether `count` workers have loaded the app within `limit` seconds."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            workers = self.workers
            if len(workers) >= count and gone not in workers:
                return True
            time.sleep(0.02)
        return False

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to one of the app's processes, and to no other."""
        if pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self, limit: float) -> float | None:
        """Send TERM to the master; seconds until nothing is left, None if that takes longer.

        Then the notes can be read to the last: `end` would remove them with the folder.
        """
        self.signal(self.master, signal.SIGTERM)
        began = time.monotonic()
        while not self.guard.gone:
            if time.monotonic() > began + limit:
                return None
            self.guard.look(0.02)
        return time.monotonic() - began

    def end(self, grace: float = GRACE) -> None:
        """TERM, up to `grace` seconds, KILL. Notes and log can still be read."""
        if self._ending is not None:
            return
        self._end_of_log, self._ending = self.log(), self.notes()
        self.guard.end(grace)
        shutil.rmtree(self.folder, ignore_errors=True)


class PortTaken(CannotRun):
    """Another program took the port between the choice and the start."""


@contextlib.contextmanager
def running(
    reader: Reader,
    words: list[str],
    *,
    workers: int = 1,
    forks: bool = False,
    preload: bool | None = None,
) -> Iterator[Started]:
    """The app, served by this command, ready and with `workers` workers; ended at the end.

    With `forks`, its forks are noted. `preload` has Gunicorn preload the app, or not, whatever the
    reader's command and file say; None leaves that to them.

    Raises CannotRun with the reason, and the end of the log as its `log`.
    """
    told = {"WORKERS": str(workers)}
    if forks:
        told["FORKS"] = "yes"
    if preload is not None:
        told["PRELOAD"] = "yes" if preload else "no"
    for tries_left in reversed(range(TRIES)):
        app = Started(reader, words, told)
        try:
            app.wait()
            if workers > 1:
                app.wait_for_workers(workers, START_LIMIT)
        except PortTaken:
            app.end(0.3)
            if not tries_left:
                raise
            continue
        except CannotRun as error:
            error.log = app.log()
            app.end(0.3)
            raise
        except BaseException:
            app.end(0.3)
            raise
        try:
            yield app
        finally:
            app.end()
        return


def one_worker(reader: Reader) -> list[str]:
    """The command with a single worker, in which each endpoint is tried."""
    if reader.command is None:
        server = "uvicorn" if reader.environment.has("uvicorn") else "gunicorn"
        if not reader.environment.has(server):
            raise CannotRun(
                f"Neither Uvicorn nor Gunicorn is installed for {reader.environment.python}."
            )
        more = ["--worker-class", "asgi"] if server == "gunicorn" else []
        return reader.words(*more, server=server)
    known = server_of(reader.command) in ("uvicorn", "gunicorn")
    return reader.words(*(["--workers", "1"] if known else []))
