"""The bank of exercise 06, task 5: a time-out for blocked workers that spares awaiting requests."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex06_the_config_file import check

OF_UVICORN = 'workers = 2\nworker_class = "uvicorn_worker.UvicornWorker"\n'
CUT = """timeout = 3
import asyncio

def post_worker_init(worker):
    app = worker.wsgi

    async def limited(scope, receive, send):
        if scope["type"] != "http":
            return await app(scope, receive, send)
        async with asyncio.timeout(4):
            await app(scope, receive, send)

    worker.wsgi = limited
"""


@bank(
    Wrong(OF_UVICORN + "timeout = 1\n", "timeout-too-short"),
    Right(OF_UVICORN + "timeout = 3\n"),
    Right(OF_UVICORN + "timeout = 2\n"),
    Right("from uvicorn_worker import UvicornWorker as worker_class\ntimeout = 2 + 2\n"),
    Wrong(OF_UVICORN, "timeout-too-long"),
    Wrong(OF_UVICORN + "graceful_timeout = 4\n", "timeout-too-long"),
    Wrong(OF_UVICORN + "time_out = 4\n", "no-such-setting"),
    Wrong(OF_UVICORN + "timeout = 0\n", "timeout-off"),
    Wrong(OF_UVICORN + "timeout = 'soon'\n", "invalid-value"),
    Wrong(OF_UVICORN + CUT, "requests-limited"),
    Wrong("workers = 2\ntimeout = 4\n", "sync-worker"),
)
def test_task_5(case):
    judge(check, 5, case)
