"""The bank of exercise 05, task 2."""

import pytest

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex05_who_gets_the_request import check

UVICORN = "uvicorn app.main:app --port {port}"
GUNICORN = "gunicorn app.main:app -b 127.0.0.1:{port} -k uvicorn_worker.UvicornWorker"


@bank(
    Right([UVICORN] * 4),
    Right((f"{GUNICORN} -w 1",) * 4),
    Right(
        [UVICORN, f"{UVICORN} --workers 1", GUNICORN, "UVICORN_PORT={port} uvicorn app.main:app"]
    ),
    Wrong([f"{GUNICORN} -w 4"] * 4, "more-workers"),
    Wrong([f"WEB_CONCURRENCY=5 {UVICORN}"], "more-workers"),
    Wrong([f"{GUNICORN} -w 4"], "left-to-chance"),
    Wrong([f"{GUNICORN} -w 4 --reuse-port"], "left-to-chance"),
    Wrong([f"WEB_CONCURRENCY=2 {UVICORN}"] * 2, "left-to-chance"),
    Wrong([UVICORN], "fewer-workers"),
    Wrong([f"{UVICORN} --limit-concurrency 2"] * 4, "limit-on-requests"),
    Wrong(["gunicorn app.main:app -b 127.0.0.1:{port}"] * 4, "default-worker-class"),
    Wrong(["uvicorn fastapi:FastAPI --factory --port {port}"] * 4, "another-app"),
    Wrong(UVICORN, "not-a-list"),
    Wrong([UVICORN, 4], "not-a-string"),
)
def test_task_2(case):
    judge(check, 2, case)


@pytest.mark.parametrize("body", ["return [1]", "return await burst(urls, 2)"])
def test_an_answer_to_the_task_as_it_was_is_not_judged(body):
    send_eight = from_cell("send_eight")(f"async def send_eight(urls):\n    {body}\n")
    verdict = check.judge(2, send_eight)
    assert verdict.outcome == "could not check" and "./learn reset 05" in verdict.sentence
