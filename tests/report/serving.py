"""Serving the apps of tests/report/apps, and trying their endpoints."""

import contextlib
import importlib
import sys
import time
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

from workerlab.report import endpoints
from workerlab.report.app import one_worker, running
from workerlab.report.environment import Environment, look_at
from workerlab.report.reader import Reader
from workerlab.report.trying import Tried, try_endpoint

APPS = Path(__file__).parent / "apps"
NAMES = sorted(path.stem for path in APPS.glob("*.py") if path.stem != "__init__")
SLOW = 0.15  # seconds until the slow server answers


class SlowAnswer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(SLOW)
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"1")

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def slow_server() -> Iterator[str]:
    """The address of a server that answers after SLOW seconds."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowAnswer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def app_of(name: str) -> ModuleType:
    return importlib.import_module(f"tests.report.apps.{name}")


@cache
def environment() -> Environment:
    return look_at(Path(sys.executable))


def reader_of(name: str, slow: str, *options: str) -> Reader:
    """The app as a reader would name it; `options` are for Uvicorn."""
    app = app_of(name)
    command = getattr(app, "COMMAND", None)
    words = command.split() if command else None
    if options and not words:
        words = ["uvicorn", f"{name}:app", *options]
    return Reader(
        environment(),
        APPS,
        f"{name}:app",
        words,
        {"SLOW_SERVER": slow},
        dict(getattr(app, "HEADERS", {})),
    )


def try_all(reader: Reader, name: str) -> list[Tried]:
    """What came of each endpoint of this app that is tried."""
    calls = [endpoints.call_of(path) for path in getattr(app_of(name), "PATHS", [])]
    with running(reader, one_worker(reader)) as app:
        found = endpoints.find(app.description(), calls)
        return [try_endpoint(app, one) for one in found if one.call is not None]
