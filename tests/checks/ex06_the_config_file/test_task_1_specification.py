"""The bank of exercise 06, task 1: a file to a specification."""

import os

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex06_the_config_file import check

FILE = """
import os
import sys

text = os.environ.get("WORKERS") or "2"
if not (text.isdecimal() and int(text) > 0):
    sys.exit(f"WORKERS must be a positive whole number, not {text!r}")
workers = int(text)
worker_class = "uvicorn_worker.UvicornWorker"
bind = f"127.0.0.1:{os.environ['PORT']}"
max_requests = 40
max_requests_jitter = 20
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
WITH_A_FUNCTION = """
import os
import re

def number_of_workers():
    value = os.environ.get("WORKERS", "")
    if value == "":
        return 1
    if not re.fullmatch("[1-9][0-9]*", value):
        raise SystemExit(f"cannot start: WORKERS={value}")
    return int(value)

workers = number_of_workers()
worker_class = "uvicorn_worker.UvicornWorker"
bind = "127.0.0.1:{PORT}".format(**os.environ)
max_requests = 50
max_requests_jitter = 10
accesslog = os.path.join(os.environ["LOGS"], "access.log")
errorlog = os.path.join(os.environ["LOGS"], "error.log")
"""
REFUSAL = 'sys.exit(f"WORKERS must be a positive whole number, not {text!r}")'


def changed(old: str, new: str) -> str:
    assert old in FILE
    return FILE.replace(old, new)


@bank(
    Right(FILE),
    Right(ANOTHER_FILE),
    Right(WITH_A_FUNCTION),
    Wrong(changed("workers = int", "number = int"), "no-such-setting"),
    Wrong(changed("workers = int(text)\n", ""), "variable-not-used"),
    Wrong(changed('bind = f"127.0.0.1:{os.environ[\'PORT\']}"', 'host = "127.0.0.1"\nport = '
                  'int(os.environ["PORT"])'), "no-such-setting"),
    Wrong(changed("127.0.0.1", "0.0.0.0"), "open-to-the-network"),
    Wrong(changed("{os.environ['PORT']}", "8000"), "another-port"),
    Wrong(changed('worker_class = "uvicorn_worker.UvicornWorker"', ""), "sync-worker"),
    Wrong(changed("max_requests = 40\n", ""), "another-number-of-requests"),
    Wrong(changed("max_requests_jitter = 20\n", ""), "all-at-once"),
    Wrong(changed("max_requests = 40", "max_requests = 60"), "another-number-of-requests"),
    Wrong(changed('os.environ["LOGS"] + "/error.log"', '"-"'), "log-elsewhere"),
    Wrong(changed('accesslog = os.environ["LOGS"] + "/access.log"\n', ""), "log-elsewhere"),
    Wrong(changed('.get("WORKERS") or "2"', '.get("WORKERS", "2")'), "needs-the-variable"),
    Wrong(changed('or "2"', 'or "500"'), "no-sane-default"),
    Wrong(changed("text.isdecimal() and int(text) > 0", "text.isdecimal()"), "bad-value-accepted"),
    Wrong(changed(REFUSAL, 'raise ValueError(f"WORKERS is {text}")'), "message-does-not-say"),
    Wrong(changed(REFUSAL, 'sys.exit("a positive whole number, please")'), "message-does-not-say"),
    Wrong(changed(REFUSAL, 'print("WORKERS", text); sys.exit()'), "message-does-not-say"),
    Wrong(changed(REFUSAL, "__import__('time').sleep(600)"), "never-ends"),
)  # fmt: skip
def test_task_1(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judge(check, 1, case)
    assert os.listdir(tmp_path) == []
