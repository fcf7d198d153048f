"""The bank of exercise 09, task 1: a start script whose TERM reaches the server."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex09_zero_downtime import check

SERVER = "gunicorn shop:app -c gunicorn_conf.py"


def script(*lines: str) -> str:
    return "\n".join(["#!/bin/sh", 'cd "$(dirname "$0")"', *lines, ""])


@bank(
    Wrong(script(SERVER), "shell-takes-term"),
    Right(script(f"exec {SERVER}")),
    Right(script(f"exec env LOG=x python -m {SERVER} --workers 2")),
    Right(
        script(
            f"{SERVER} &",
            "pid=$!",
            "trap 'kill -TERM $pid' TERM",
            "wait $pid",
            "trap - TERM",
            "wait $pid",
        )
    ),
    Wrong(script(f"{SERVER} | cat"), "shell-takes-term"),
    Wrong(script(f"{SERVER} &", "wait"), "shell-takes-term"),
    Wrong(script(f"{SERVER} &"), "ends-before-term"),
    Wrong(script(f"exec {SERVER} --daemon"), "ends-before-term"),
    Wrong(script("trap 'kill -TERM $!' TERM", SERVER), "term-has-no-effect"),
    Wrong(script("trap '' TERM", SERVER), "term-has-no-effect"),
    Wrong(
        script(f"{SERVER} &", "pid=$!", "trap 'kill -INT $pid; wait $pid' TERM", "wait $pid"),
        "term-has-no-effect",
    ),
    Wrong(
        script(f"setsid {SERVER} &", "trap 'kill -TERM $!' TERM", "wait"),
        "ends-apart-from-the-server",
    ),
    Wrong(script("exec gunicorn shop:app"), "listens-elsewhere"),
    Wrong(script(f"{SERVER} &", "trap 'kill -TERM $!' TERM", "wait"), "ends-apart-from-the-server"),
    Wrong(script(f"exec {SERVER} --graceful-timeout 0"), "lifespan-skipped"),
    Wrong(
        script(f"{SERVER} &", "trap 'kill -TERM $!' TERM", "wait", "while true; do sleep 1; done"),
        "ends-apart-from-the-server",
    ),
    Wrong(script(f"exec {SERVER} --bind 0.0.0.0:8000"), "open-to-the-network"),
    Wrong(script("exec gunicorn shop -c gunicorn.conf"), "does-not-start"),
    Wrong(["exec", SERVER], "not-a-string"),
)
def test_task_1(case):
    judge(check, 1, case)
