"""The bank of exercise 06, task 3: ten requests at once, and 503 for the others."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex06_the_config_file import check

OF_UVICORN = 'worker_class = "uvicorn_worker.UvicornWorker"\n'
LIMITED = """
from uvicorn_worker import UvicornWorker

class LimitedWorker(UvicornWorker):
    CONFIG_KWARGS = {**UvicornWorker.CONFIG_KWARGS, "limit_concurrency": 11}

worker_class = LimitedWorker
"""
IN_INIT = """
from uvicorn_worker import UvicornWorker

class LimitedWorker(UvicornWorker):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.config.limit_concurrency = 11

worker_class = "gunicorn_conf.LimitedWorker"
"""
COUNTED = """
worker_class = "uvicorn_worker.UvicornWorker"
running = 0

def post_worker_init(worker):
    app = worker.wsgi
    async def limited(scope, receive, send):
        global running
        if scope["type"] != "http":
            return await app(scope, receive, send)
        if running >= 10:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            return await send({"type": "http.response.body", "body": b""})
        running += 1
        try:
            await app(scope, receive, send)
        finally:
            running -= 1
    worker.wsgi = limited
"""
BY_FASTAPI = """
workers = 1
worker_class = "uvicorn_worker.UvicornWorker"


def post_worker_init(worker):
    from fastapi.responses import JSONResponse

    running = 0

    @worker.wsgi.middleware("http")
    async def at_most_ten(request, call_next):
        nonlocal running
        if running >= 10:
            return JSONResponse({"detail": "busy"}, status_code=503)
        running += 1
        try:
            return await call_next(request)
        finally:
            running -= 1
"""
QUEUED = """
workers = 1
worker_class = "uvicorn_worker.UvicornWorker"
import asyncio

def post_worker_init(worker):
    app = worker.wsgi
    limit = asyncio.Semaphore(10)

    async def limited(scope, receive, send):
        if scope["type"] != "http":
            return await app(scope, receive, send)
        async with limit:
            await app(scope, receive, send)

    worker.wsgi = limited
"""
FORWARD = """        if scope["type"] != "http":
            return await app(scope, receive, send)
"""
TURN_AWAY = 'await send({"type": "http.response.start", "status": 503, "headers": []})'


def changed(old: str, new: str, source: str = LIMITED) -> str:
    assert old in source
    return source.replace(old, new)


@bank(
    Wrong("workers = 1\n", "sync-worker"),
    Right(LIMITED),
    Right(IN_INIT),
    Right(COUNTED),
    Right(BY_FASTAPI),
    Wrong(OF_UVICORN + "worker_connections = 10\n", "worker-connections"),
    Wrong(OF_UVICORN + "limit_concurrency = 11\n", "parameter-of-uvicorn"),
    Wrong(OF_UVICORN + "max_requests = 10\n", "limit-in-all"),
    Wrong(OF_UVICORN + "threads = 10\n", "no-limit"),
    Wrong(changed("worker_class = LimitedWorker", OF_UVICORN), "no-limit"),
    Wrong(changed("11", "10"), "another-number"),
    Wrong(changed("11", "12"), "another-number"),
    Wrong(QUEUED, "surplus-waits"),
    Wrong(changed("(10)", "(5)", QUEUED), "surplus-waits"),
    Wrong(changed(FORWARD, "", QUEUED), "surplus-waits"),
    Wrong(changed("(10)", "(1)", changed(FORWARD, "", QUEUED)), "surplus-waits"),
    Wrong(changed("running -= 1", "pass", COUNTED), "never-again"),
    Wrong(changed(TURN_AWAY, 'raise RuntimeError("no more")', COUNTED), "another-failure"),
)
def test_task_3(case):
    judge(check, 3, case)
