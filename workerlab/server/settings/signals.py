"""Trials of what a master does on a signal."""

from concurrent.futures import ThreadPoolExecutor

from workerlab.server.server import Server
from workerlab.server.settings.failures import BROKEN
from workerlab.server.settings.kinds import (
    ACTS,
    DIFFERS,
    IGNORED,
    SERVED,
    Kind,
    answer,
    comes_true,
    start_served,
)

NEW = SERVED.replace("VERSION = 1", "VERSION = 22")
SLOW = (
    """import time
print('the import begins', flush=True)
time.sleep(4)
print('the import ends', flush=True)
"""
    + NEW
)


def ttin_ttou(kind: Kind) -> str:
    """Does TTIN add a worker, and TTOU take one?"""
    server = start_served(kind, workers=2)
    server.signal("TTIN")
    more = comes_true(lambda: len(server.workers) == 3, within=10)
    server.signal("TTOU")
    fewer = comes_true(lambda: len(server.workers) == 2, within=10)
    return ACTS if more and fewer else IGNORED


def hup_new_code(kind: Kind) -> str:
    """After HUP, does the new code answer?"""
    server = start_served(kind, timeout=30)
    deploy(server, NEW)
    return ACTS if comes_true(lambda: answer(server, "/version") == "22", within=20) else IGNORED


def hup_slow_import(kind: Kind) -> str:
    """After HUP, does the old code answer while the new is being imported?"""
    server = start_served(kind, timeout=30)
    deploy(server, SLOW)
    if not comes_true(lambda: "the import begins" in server.log, within=20):
        return IGNORED
    comes_true(lambda: False, within=1)  # the old workers have time to leave
    if "the import ends" in server.log:
        return IGNORED
    return ACTS if answer(server, "/version") == "1" else DIFFERS


def hup_import_error(kind: Kind) -> str:
    """After HUP, does the old code go on answering if the new can't be imported?"""
    server = start_served(kind)
    deploy(server, BROKEN)
    if not comes_true(lambda: "No module named 'no_such_module'" in server.log, within=20):
        return IGNORED
    comes_true(lambda: server.exit_code is not None, within=3)
    return ACTS if answer(server, "/version") == "1" else DIFFERS


def deploy(server: Server, code: str) -> None:
    """Replace the app's file, and tell the master."""
    (server.folder / "served.py").write_text(code, encoding="utf-8")
    server.signal("HUP")


def term(kind: Kind) -> str:
    """After TERM, is a request in progress answered, and does the server end?"""
    server = start_served(kind)
    with waiting_request(server, seconds=1.5) as request:
        server.signal("TERM")
        is_answered = request.reply.result() is not None
        has_ended = comes_true(lambda: server.exit_code is not None, within=10)
    return ACTS if is_answered and has_ended else DIFFERS


def int_at_once(kind: Kind) -> str:
    """After INT to the master, does it end within 5 seconds though a request takes 12?"""
    return ends_at_once(kind, "INT")


def quit_at_once(kind: Kind) -> str:
    """After QUIT to the master, does it end within 5 seconds though a request takes 12?"""
    return ends_at_once(kind, "QUIT")


def ends_at_once(kind: Kind, name: str) -> str:
    server = start_served(kind)
    with waiting_request(server, seconds=12):
        server.signal(name)
        has_ended = comes_true(lambda: not server.pids, within=5)
        server.stop(grace=0)
    return ACTS if has_ended else DIFFERS


class waiting_request:
    """A request that takes so many seconds, once its handler has begun."""

    def __init__(self, server: Server, seconds: float) -> None:
        self._thread = ThreadPoolExecutor(1)
        self.reply = self._thread.submit(answer, server, f"/wait?seconds={seconds}")
        comes_true(lambda: "began to wait" in server.log, within=10)

    def __enter__(self) -> "waiting_request":
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
