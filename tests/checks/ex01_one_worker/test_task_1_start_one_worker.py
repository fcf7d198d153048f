from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex01_one_worker import check


@bank(
    Right("uvicorn app.main:app --port {port}"),
    Right("python -m uvicorn main:app --app-dir app --host localhost --port={port} --workers 1"),
    Right("UVICORN_PORT={port} uvicorn app.main:app"),
    Right("""python -c 'import uvicorn; uvicorn.run("app.main:app", port={port})'"""),
    Wrong("uvicorn app.main:app --port 8000", "port-not-given"),
    Wrong(["uvicorn", "app.main:app", "--port", "{port}"], "not-a-string"),
    Wrong("uvicorn app.main:app --port {port} &", "not-one-command"),
    Wrong("uvicorn app.main:app --host 0.0.0.0 --port {port}", "open-to-the-network"),
    Wrong("uvicorn app/main.py:app --port {port}", "file-instead-of-module"),
    Wrong("uvicorn app.main:app --port {port} --worker 1", "no-such-option"),
    Wrong("uvicorn app.main:app --workers 4 --port {port}", "several-workers"),
    Wrong("WEB_CONCURRENCY=2 uvicorn app.main:app --port {port}", "several-workers"),
    Wrong("uvicorn no.such:app --workers 4 --port {port}", "several-workers"),
    Wrong("uvicorn app.main:app --port {port} --reload", "reloader"),
    Wrong("gunicorn app.main:app -w 1 --bind 127.0.0.1:{port}", "gunicorn-already"),
    Wrong("uvicorn tests.helpers:app --port {port}", "another-app"),
)
def test_task_1(case):
    judge(check, 1, case)
