"""The bank of exercise 06, task 4: a line for each request, with its duration."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex06_the_config_file import check

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
IGNORED = """
worker_class = "uvicorn_worker.UvicornWorker"
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s %(L)s"
"""
PRINT = 'print(scope["method"], scope["path"], status, time.monotonic() - began)'
CALL = "await app(scope, receive, watched)"


def changed(old: str, new: str) -> str:
    assert old in TIMED
    return TIMED.replace(old, new)


@bank(
    Wrong(None, "not-a-string"),
    Right(TIMED),
    Right(AS_CLASS),
    Right(BY_STARLETTE),
    Wrong(IGNORED, "format-is-ignored"),
    Wrong(changed("    worker.wsgi = logged", ""), "nothing-written"),
    Wrong(changed('scope["path"]', 'scope["path"] + "?" + scope["query_string"].decode()'),
          "another-form"),
    Wrong(changed('"http":', '"http" and status == 200:'), "another-form"),
    Wrong(changed("await send(message)", f"await send(message); {PRINT}"), "another-form"),
    Wrong(changed("status, time.m", "200, time.m"), "another-status"),
    Wrong(changed("time.monotonic() - began", "1000 * (time.monotonic() - began)"),
          "another-duration"),
    Wrong(changed("began, status = time.monotonic(), None", "global began; began = time.monotonic()"
                  "; status = None"), "one-clock-for-all"),
    Wrong(changed("time.monotonic", "time.process_time"), "another-duration"),
    Wrong(changed(CALL, f'if scope["type"] == "http": {CALL}'), "lifespan-lost"),
    Wrong(changed("await send(m", "if status != 404: await send(m"), "app-disturbed"),
    Wrong(changed(CALL, CALL.removeprefix("await ")), "not-awaited"),
    Wrong(changed("await send(message)", "send(message)"), "not-awaited"),
    Wrong(changed("            await send(message)\n", ""), "startup-never-ends"),
)  # fmt: skip
def test_task_4(case):
    judge(check, 4, case)
