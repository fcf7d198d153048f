"""The bank of answers to exercise 03, task 3."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex03_the_thread_pool import check

UVICORN = "uvicorn app.main:app --port {port}"
GUNICORN = "gunicorn app.main:app --bind 127.0.0.1:{port}"
RUN = "import uvicorn; uvicorn.run('app.main:app', workers=3, port={port})"


@bank(
    Right(f"{UVICORN} --workers 2"),
    Right(f"WEB_CONCURRENCY=2 {UVICORN}"),
    Right(f"{GUNICORN} -w 2 -k uvicorn_worker.UvicornWorker"),
    Right(f'python3 -c "{RUN}" '),
    Wrong(f"{UVICORN} --processes 2", "no-such-option"),
    Wrong(UVICORN, "one-worker"),
    Wrong(f"{UVICORN} --limit-concurrency 4", "one-worker"),
    Wrong(f"THREADS=100 {UVICORN}", "larger-pool"),
    Wrong(f"{GUNICORN} --threads 4 -k uvicorn_worker.UvicornWorker", "larger-pool"),
    Wrong(f"{UVICORN} --workers 2 --reload", "counts-the-master"),
    Wrong(f"{GUNICORN} -k uvicorn_worker.UvicornWorker", "counts-the-master"),
    Wrong(f"{GUNICORN} --workers 2", "worker-class-for-wsgi"),
    Wrong("uvicorn tests.helpers:app --workers 2 --port {port}", "another-app"),
    Wrong(f"{UVICORN} --workers 2 --host 0.0.0.0", "open-to-the-network"),
)
def test_task_3(case):
    judge(check, 3, case)
