"""The bank of answers to exercise 04, task 1."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex04_many_workers import check

CLASS = "--worker-class uvicorn_worker.UvicornWorker"
BIND = "--bind 127.0.0.1:{port}"


@bank(
    Right(f"gunicorn app.main:app --workers 4 {CLASS} {BIND}"),
    Right(f"python -m gunicorn main:app --chdir app -w4 {CLASS} -b localhost:{{port}}"),
    Right(
        "gunicorn app.main:app -c app/gunicorn_conf.py -w 4 -b 127.0.0.1:{port}"
        " --access-logfile /dev/null"
    ),
    Right(f"WEB_CONCURRENCY=4 gunicorn app.main:app {CLASS} {BIND}"),
    Wrong("uvicorn app.main:app --workers 4 --port {port}", "not-gunicorn"),
    Wrong(f"gunicron -w 4 {CLASS} {BIND} app.main:app", "not-gunicorn"),
    Wrong(f"gunicorn app.main:app --workers 4 {BIND}", "sync-worker"),
    Wrong(f"gunicorn app.main:app --workers 4 --threads 4 {BIND}", "threads-worker"),
    Wrong(f"gunicorn app.main:app --workers 4 -k asgi {BIND}", "gunicorns-own-asgi"),
    Wrong(
        f"gunicorn app.main:app -w 4 -k uvicorn.workers.UvicornWorker {BIND}", "deprecated-class"
    ),
    Wrong(
        f"gunicorn app.main:app -w 4 -k uvicorn_worker.UvicornH11Worker {BIND}",
        "another-worker-class",
    ),
    Wrong(f"gunicorn app.main:app -w 4 -k UvicornWorker {BIND}", "no-such-class"),
    Wrong(f"gunicorn app.main:app {CLASS} {BIND}", "wrong-number"),
    Wrong(
        "gunicorn app.main:app -c app/gunicorn_conf.py -w 4 -b 127.0.0.1:{port}", "access-log-on"
    ),
    Wrong(f"gunicorn app.main:app -w 4 {CLASS} {BIND} --access-logfile None", "access-log-on"),
    Wrong(f"gunicorn app.main:app -w 4 {CLASS} --bind 0.0.0.0:{{port}}", "open-to-the-network"),
    Wrong(
        f"gunicorn app.main:app -w 4 {CLASS} --host 127.0.0.1 --port {{port}}",
        "option-of-uvicorn",
    ),
    Wrong(f"gunicorn app/main.py:app -w 4 {CLASS} {BIND}", "file-instead-of-module"),
    Wrong(f"gunicorn tests.helpers:app -w 4 {CLASS} {BIND}", "another-app"),
)
def test_task_1(case):
    judge(check, 1, case)
