"""The bank of answers to exercise 06: each wrong one has its own misconception."""

import os

import pytest

from tests.answers import Right, Wrong, judge
from workerlab.checks.ex06_the_config_file.tasks import check

pytestmark = pytest.mark.slow

FILE = """
import os
import sys

text = os.environ.get("WORKERS", "2")
if not (text.isdecimal() and int(text) > 0):
    sys.exit(f"WORKERS must be a positive whole number, not {text!r}")
workers = int(text)
bind = f"127.0.0.1:{os.environ['PORT']}"
worker_class = "uvicorn_worker.UvicornWorker"
max_requests = 40
max_requests_jitter = 20
timeout = 4
accesslog = os.environ["LOGS"] + "/access.log"
errorlog = os.environ["LOGS"] + "/error.log"
"""
ANOTHER_FILE = """
from os import cpu_count, environ
from pathlib import Path
from uvicorn_worker import UvicornWorker as worker_class
try:
    workers = int(environ.get("WORKERS") or 2 * cpu_count() + 1)
    if workers < 1:
        raise ValueError
except ValueError:
    raise SystemExit("WORKERS: " + environ["WORKERS"] + " is not a positive whole number") from None
bind = ["localhost:" + environ["PORT"]]
max_requests, max_requests_jitter, timeout, keepalive = 55, 5, 3, 0
accesslog, errorlog = (str(Path(environ["LOGS"], f"{name}.log")) for name in ("access", "error"))
"""
LOGGERS = """
logconfig_dict = {
    "root": {"level": "INFO", "handlers": []},
    "disable_existing_loggers": False,
    "handlers": {
        name: {"class": "logging.FileHandler", "filename": f"{os.environ['LOGS']}/{name}.log"}
        for name in ("access", "error")
    },
    "loggers": {
        f"gunicorn.{name}": {"handlers": [name], "level": "INFO", "propagate": False}
        for name in ("access", "error")
    },
}
"""


def changed(old: str, new: str, source: str = FILE) -> str:
    assert old in source
    return source.replace(old, new)


def without(setting: str) -> str:
    lines = [line for line in FILE.splitlines() if not line.startswith(f"{setting} ")]
    assert len(lines) < len(FILE.splitlines())
    return "\n".join(lines)


REFUSAL = 'sys.exit(f"WORKERS must be a positive whole number, not {text!r}")'
CONDITION = "text.isdecimal() and int(text) > 0"
NO_LOGS = changed("accesslog =", "access =", changed("errorlog =", "error ="))

FILES = [
    Right(FILE),
    Right(ANOTHER_FILE),
    Right(NO_LOGS + LOGGERS),
    Wrong(without("workers"), "variable-not-used"),
    Wrong(changed("workers =", "worker ="), "misspelt-setting"),
    Wrong(changed('.get("WORKERS", "2")', '["WORKERS"]'), "needs-the-variable"),
    Wrong(changed('"WORKERS", "2"', '"WORKERS", "500"'), "no-sane-default"),
    Wrong(changed(REFUSAL, 'raise ValueError(f"WORKERS is {text}")'), "traceback"),
    Wrong(changed(f"if not ({CONDITION}):\n    {REFUSAL}\n", ""), "traceback"),
    Wrong(changed(REFUSAL, 'text = "2"'), "bad-value-accepted"),
    Wrong(changed(CONDITION, "text.isdecimal()"), "no-workers"),
    Wrong(changed(REFUSAL, 'sys.exit("a positive whole number, please")'), "message-does-not-say"),
    Wrong(
        changed("int(text)\nbind", "text\nbind", changed(REFUSAL, "pass")), "message-does-not-say"
    ),
    Wrong(changed(REFUSAL, 'sys.exit(f"WORKERS is wrong:\\n{text}")'), "several-lines"),
    Wrong(changed(REFUSAL, 'print("WORKERS", text); sys.exit()'), "exit-code-zero"),
    Wrong(changed(REFUSAL, "__import__('time').sleep(600)"), "never-ends"),
    Wrong(changed("127.0.0.1", "0.0.0.0"), "open-to-the-network"),
    Wrong(without("bind"), "open-to-the-network"),  # the default where PORT is set
    Wrong(changed("{os.environ['PORT']}", "8000"), "another-port"),
    Wrong(without("worker_class"), "sync-worker"),
    Wrong(changed("uvicorn_worker.Uvi", "uvicorn.workers.Uvi"), "deprecated-class"),
    Wrong(changed("uvicorn_worker.Uvi", "Uvi"), "no-such-class"),
    Wrong(changed("UvicornWorker", "UvicornH11Worker"), "h11-worker"),
    Wrong(without("max_requests"), "never-replaced"),
    Wrong(changed("max_requests =", "max_request ="), "misspelt-setting"),
    Wrong(without("max_requests_jitter"), "all-at-once"),
    Wrong(changed("max_requests = 40", "max_requests = 60"), "jitter-on-top"),
    Wrong(changed("max_requests = 40", "max_requests = 20"), "too-soon"),
    Wrong(changed("max_requests = 40", "max_requests = 400"), "too-late"),
    Wrong(without("timeout"), "timeout-too-long"),
    Wrong(changed("timeout = 4", "timeout = 7"), "timeout-too-long"),
    Wrong(changed("timeout = 4", "timeout = 0"), "timeout-off"),
    Wrong(changed("timeout = 4", "timeout = 1"), "timeout-too-short"),
    Wrong(without("accesslog"), "no-access-log"),
    Wrong(changed('os.environ["LOGS"] + "/access.log"', '"-"'), "log-to-the-terminal"),
    Wrong(changed("/access.log", "/requests.log"), "log-in-another-file"),
    Wrong(changed('os.environ["LOGS"] + "/access.log"', '"access.log"'), "log-in-another-folder"),
    Wrong(without("errorlog"), "log-to-the-terminal"),
    Wrong("gunicorn_conf.py", "name-not-text"),
    Wrong(changed('"uvicorn_worker.UvicornWorker"', "uvicorn_worker."), "syntax-error"),
    Wrong(changed("import sys\n", "").replace("text = os", "x = sys.argv\ntext = os"), "raises"),
    Wrong(changed("timeout = 4", 'timeout = "soon"'), "invalid-value"),
    Wrong(FILE + "os._exit(3)\n", "ends-the-process"),
    Wrong(
        FILE + "import subprocess\n"
        "for _ in range(30): subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "__import__('time').sleep(600)\n",
        "never-ends",
    ),
    Wrong({"workers": 3}, "not-a-text"),
]

FOUND = [
    Right({"worker_connections", "access_log_format"}),
    Right(["access_log_format", "worker_connections"]),
    Right(("worker_connections", "access_log_format", "access_log_format")),
    Wrong({"worker_connections"}, "one-of-two-connections"),
    Wrong({"access_log_format"}, "one-of-two-log-format"),
    Wrong({"timeout", "worker_connections"}, "timeout-acts"),
    Wrong({"keepalive", "access_log_format"}, "keepalive-acts"),
    Wrong({"max_requests", "worker_connections"}, "max-requests-acts"),
    Wrong({"accesslog", "worker_connections"}, "accesslog-acts"),
    Wrong({"workers", "bind", "worker_connections", "access_log_format"}, "bind-acts"),
    Wrong({"workers"}, "workers-acts"),
    Wrong({"worker_class"}, "worker-class-acts"),
    Wrong({"worker_connection", "access_log_format"}, "not-in-the-file"),
    Wrong(set(), "none-named"),
    Wrong("worker_connections", "not-a-set"),
    Wrong(2, "not-a-set"),
]

LIMITED = """
from uvicorn_worker import UvicornWorker

class LimitedWorker(UvicornWorker):
    CONFIG_KWARGS = {**UvicornWorker.CONFIG_KWARGS, "limit_concurrency": 11}

worker_class = LimitedWorker
"""
COUNTED = """
worker_class = "uvicorn_worker.UvicornWorker"
under_way = 0

def post_worker_init(worker):
    app = worker.wsgi
    async def limited(scope, receive, send):
        global under_way
        if scope["type"] != "http":
            return await app(scope, receive, send)
        if under_way >= 10:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            return await send({"type": "http.response.body", "body": b""})
        under_way += 1
        try:
            await app(scope, receive, send)
        finally:
            under_way -= 1
    worker.wsgi = limited
"""
TURN_AWAY = 'await send({"type": "http.response.start", "status": 503, "headers": []})'
WAITING = """
import asyncio
worker_class = "uvicorn_worker.UvicornWorker"
ten = asyncio.Semaphore(10)

def post_worker_init(worker):
    app = worker.wsgi
    async def limited(scope, receive, send):
        if scope["type"] != "http":
            return await app(scope, receive, send)
        async with ten:
            await app(scope, receive, send)
    worker.wsgi = limited
"""
OF_UVICORN = 'worker_class = "uvicorn_worker.UvicornWorker"\n'
KWARGS = '    CONFIG_KWARGS = {**UvicornWorker.CONFIG_KWARGS, "limit_concurrency": 11}\n'
IN_INIT = """
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.config.limit_concurrency = 11
"""

LIMITS = [
    Right(LIMITED),
    Right(COUNTED),
    Right(changed(KWARGS, IN_INIT, LIMITED)),
    Right(
        "def worker_class():\n    import uvicorn_worker\n"
        "    kwargs = {'limit_concurrency': 11, 'loop': 'asyncio'}\n"
        "    return type('W', (uvicorn_worker.UvicornWorker,), {'CONFIG_KWARGS': kwargs})\n"
    ),
    Wrong(OF_UVICORN + "worker_connections = 10\n", "worker-connections"),
    Wrong(OF_UVICORN + "limit_concurrency = 11\n", "parameter-of-uvicorn"),
    Wrong(OF_UVICORN + "backlog = 10\n", "backlog"),
    Wrong(OF_UVICORN + "threads = 10\n", "threads"),
    Wrong(OF_UVICORN + "max_requests = 10\n", "limit-in-all"),
    Wrong(OF_UVICORN + "timeout = 10\n", "no-limit"),
    Wrong(changed("worker_class = LimitedWorker", OF_UVICORN, LIMITED), "class-not-used"),
    Right(changed("= LimitedWorker", "= 'gunicorn_conf.LimitedWorker'", LIMITED)),
    Wrong(changed("= LimitedWorker", "= 'LimitedWorker'", LIMITED), "no-such-class"),
    Wrong(changed("    CONFIG_KWARGS", "    CONFIG", LIMITED), "nobody-reads-it"),
    Wrong(changed("limit_concurrency", "limit_concurency", LIMITED), "no-such-parameter"),
    Wrong(changed("11", "10", LIMITED), "one-too-few"),
    Wrong(changed("11", "6", LIMITED), "too-few"),
    Wrong(changed("11", "12", LIMITED), "too-many"),
    Wrong(WAITING, "surplus-waits"),
    Wrong(changed("under_way -= 1", "pass", COUNTED), "never-again"),
    Wrong(
        changed(TURN_AWAY, 'raise RuntimeError("no more")', COUNTED),
        "another-failure",
    ),
    Wrong(LIMITED + "workers = 2\n", "several-workers"),
    Wrong(changed("uvicorn_worker ", "uvicorn.workers ", LIMITED), "deprecated-class"),
    Wrong("workers = 1\n", "sync-worker"),
    Wrong(LIMITED + 'bind = "0.0.0.0:8000"\n', "open-to-the-network"),
    Wrong(changed("class LimitedWorker(UvicornWorker)", "class Limited", LIMITED), "raises"),
    Wrong(LIMITED + "def post_worker_init(worker):\n    raise ValueError\n", "does-not-start"),
    Wrong("import sys\nsys.exit(2)\n", "ends-the-process"),
    Wrong(11, "not-a-text"),
]

TIMED = """
import time
worker_class = "uvicorn_worker.UvicornWorker"
def post_worker_init(worker):
    app = worker.wsgi
    async def logged(scope, receive, send):
        began, status = time.monotonic(), None
        async def watched(message):
            nonlocal status
            status = message.get("status", status)
            await send(message)
        await app(scope, receive, watched)
        if scope["type"] == "http":
            print(scope["method"], scope["path"], status, time.monotonic() - began)
    worker.wsgi = logged
"""
AS_CLASS = """
import logging
import time
from uvicorn_worker import UvicornWorker

class Timed:
    def __init__(self, app):
        self.app = app
    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope["state"]["began"] = time.perf_counter()
        async def ending(message):
            if message["type"] == "http.response.start":
                scope["state"]["status"] = message["status"]
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                took = time.perf_counter() - scope["state"]["began"]
                line = f"{scope['method']} {scope['path']} {scope['state']['status']} {took:.2f}"
                logging.getLogger("uvicorn.error").info(line)
        await self.app(scope, receive, ending)

class TimedWorker(UvicornWorker):
    CONFIG_KWARGS = {"access_log": False}
    def load_wsgi(self):
        super().load_wsgi()
        self.wsgi = Timed(self.wsgi)

worker_class = TimedWorker
accesslog = "-"
"""
BY_STARLETTE = """
import time
from starlette.middleware.base import BaseHTTPMiddleware
worker_class = "uvicorn_worker.UvicornWorker"
def post_worker_init(worker):
    async def timed(request, call_next):
        began = time.time()
        response = await call_next(request)
        took = round(time.time() - began, 3)
        worker.log.info("%s %s %s %s", request.method, request.url.path, response.status_code, took)
        return response
    worker.wsgi.add_middleware(BaseHTTPMiddleware, dispatch=timed)
"""
PRINT = 'print(scope["method"], scope["path"], status, time.monotonic() - began)'
FORMAT = 'accesslog = "-"\naccess_log_format = "%(m)s %(U)s %(s)s %(L)s"\n'
CALL = "await app(scope, receive, watched)"

LINES = [
    Right(TIMED),
    Right(AS_CLASS),
    Right(BY_STARLETTE),
    Right(TIMED + FORMAT),
    Wrong(OF_UVICORN + FORMAT, "format-is-ignored"),
    Wrong(changed("began, status = time.monotonic(), None", "global began; began = time.monotonic()"
                  "; status = None", TIMED), "one-clock-for-all"),
    Wrong(changed("status, time.m", "200, time.m", TIMED), "another-status"),
    Wrong(changed("time.monotonic() - began", "1000 * (time.monotonic() - began)", TIMED),
          "another-unit"),
    Wrong(changed('scope["path"]', 'scope["path"] + "?" + scope["query_string"].decode()', TIMED),
          "query-in-the-line"),
    Wrong(changed("await send(message)", f"await send(message); {PRINT}", TIMED), "several-lines"),
    Wrong(changed('if scope["type"] == "http"', "if status == 200", TIMED), "not-every-request"),
    Wrong(changed("    worker.wsgi = logged", "", TIMED), "nobody-writes-it"),
    Wrong(changed("post_worker_init", "post_worker_initt", TIMED), "nobody-writes-it"),
    Wrong(changed(PRINT, 'import logging; logging.getLogger("times").info(scope["path"])', TIMED),
          "nobody-writes-it"),
    Wrong(changed(PRINT, 'print(f"{scope["path"]} took {time.monotonic() - began}")'
                  .replace('f"{scope["path"]}', "f\"{scope['path']}"), TIMED), "another-form"),
    Wrong(changed(CALL, f'if scope["type"] == "http": {CALL}', TIMED), "lifespan-lost"),
    Wrong(changed("await send(m", "if status != 404: await send(m", TIMED), "app-disturbed"),
    Wrong(changed(CALL, "import asyncio; task = asyncio.ensure_future(app(scope, receive, watched))"
                  "; took = time.monotonic() - began; await task", TIMED)
          .replace("time.monotonic() - began)", "took)"), "stopped-too-soon"),
    Wrong(changed("    app = worker.wsgi", "    app = worker.wsgi; start = time.monotonic() - 5",
                  TIMED).replace("- began)", "- start)"), "started-too-early"),
    Wrong(changed("post_worker_init", "post_fork", TIMED), "invalid-value"),
    Wrong(changed('scope["type"] == "http"', "True", TIMED) + "    worker.nothing()\n",
          "does-not-start"),
    Wrong(TIMED + "    import os; os._exit(1)\n", "workers-end"),
    Wrong(None, "not-a-text"),
]  # fmt: skip

BLANKS = [
    (1, "\nimport os\nimport sys\n\n...  # <- your answer\n"),
    (2, ...),
    (2, {"worker_connections", ...}),
    (3, "\nworkers = 1\n...  # <- your answer\n"),
    (4, "def post_worker_init(worker):\n    app = worker.wsgi\n    ...  # <- your answer\n"),
    (4, ...),
]


@pytest.mark.parametrize("answer", FILES, ids=repr)
def test_a_specification(answer):
    before = set(os.listdir())
    judge(check, 1, answer)
    assert set(os.listdir()) == before


@pytest.mark.parametrize("answer", FOUND, ids=repr)
def test_two_idle_settings(answer):
    judge(check, 2, answer)


@pytest.mark.parametrize("answer", LIMITS, ids=repr)
def test_ten_at_once(answer):
    judge(check, 3, answer)


@pytest.mark.parametrize("answer", LINES, ids=repr)
def test_lines_with_durations(answer):
    judge(check, 4, answer)


@pytest.mark.parametrize(("task", "answer"), BLANKS)
def test_a_blank_is_not_attempted(task, answer):
    assert check.judge(task, answer).outcome == "not attempted"


def test_a_file_that_waits_for_ever_ends_in_a_verdict():
    source = LIMITED + "def post_worker_init(worker):\n    __import__('time').sleep(600)\n"
    assert check.judge(3, source).outcome == "could not check"
