"""The shared application and the article's two other files."""

import asyncio
import http.server
import os
import re
import subprocess
import sys
import threading

import pytest

from app.main import threads_from
from workerlab import Server, burst
from workerlab.server import ROOT

TIMED = ["/slow", "/slow-await", "/slow-def", "/slow-to-thread", "/cpu", "/cpu-def"]


@pytest.fixture(scope="module")
def server():
    server = Server("uvicorn app.main:app --port {port}", name="test_app")
    yield server
    server.stop()


def get(server, path):
    (record,) = asyncio.run(burst(f"{server.url}{path}")).records
    return record


def test_the_articles_replies(server):
    assert get(server, "/").reply == {"message": "Hello from FastAPI!", "worker_pid": server.pid}
    assert get(server, "/health").reply == {"status": "healthy", "worker_pid": server.pid}


@pytest.mark.parametrize("path", TIMED)
def test_a_timed_reply_says_when_and_where_its_handler_ran(server, path):
    reply = get(server, f"{path}?seconds=0.05").reply
    assert set(reply) == {"message", "worker_pid", "began", "ended", "thread"}
    assert reply["ended"] - reply["began"] > 0.04
    in_pool = path in ("/slow-def", "/cpu-def")
    assert ("AnyIO" in reply["thread"]) == in_pool


@pytest.mark.parametrize("seconds", ["-1", "31", "1e9", "nan", "inf", "long", ""])
def test_seconds_are_bounded(server, seconds):
    for path in TIMED:
        record = get(server, f"{path}?seconds={seconds}")
        assert record.status == 422
        assert record.reply["detail"][0]["loc"] == ["query", "seconds"]


def test_ruff_finds_the_one_blocking_call():
    command = ["ruff", "check", "--isolated", "--select", "ASYNC", "--output-format", "concise"]
    done = subprocess.run(
        [sys.executable, "-m", *command, "app/main.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert re.findall(r"ASYNC\d+ .*", done.stdout) == [
        "ASYNC251 Async functions should not call `time.sleep`"
    ], done.stdout + done.stderr


@pytest.mark.parametrize("text", ["0", "-3", "1001", "many", "", "4.5"])
def test_threads_must_be_a_number_in_bounds(text):
    with pytest.raises(ValueError, match=r"from 1 to 1000, not"):
        threads_from(text)


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("gunicorn app.main:app -c app/gunicorn_conf.py --bind 127.0.0.1:{port}", ROOT),
        ("gunicorn main:app -c gunicorn_conf.py --bind 127.0.0.1:{port}", ROOT / "app"),
    ],
)
def test_starts_from_the_root_and_from_its_own_folder(command, folder):
    server = Server(command, cwd=folder, env={"WORKERS": "2"}, name="configured")
    try:
        assert len(server.wait_for_workers(2)) == 2
    finally:
        server.stop()


@pytest.mark.parametrize("workers", ["0", "-1", "two", " ", "2.0", "1001", "٣"])
def test_workers_that_are_no_number_stop_the_start_with_one_line(workers):
    done = subprocess.run(
        [
            sys.executable,
            *["-m", "gunicorn", "--check-config", "app.main:app", "-c", "app/gunicorn_conf.py"],
        ],
        cwd=ROOT,
        env={**os.environ, "WORKERS": workers},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr == f"WORKERS must be a whole number from 1 to 1000, not {workers!r}\n"


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "app/concurrent_requests.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_concurrent_requests_sends_them_at_once(server):
    done = run_script(f"{server.url}/slow-await?seconds=0.5", "--requests", "4")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": 200 after") == 4
    seconds = float(re.search(r"4 of 4 answered with 200 in ([\d.]+) s", done.stdout)[1])
    assert 0.5 <= seconds < 4 * 0.5


def test_concurrent_requests_names_the_worker_and_keeps_the_pause(server):
    done = run_script(f"{server.url}/", "--requests", "3", "--pause", "0.2")
    assert done.stdout.count(f" s: worker {server.pid}\n") == 3, done.stdout
    seconds = re.search(r"3 of 3 answered with 200 in ([\d.]+) s in all, by 1 worker$", done.stdout)
    assert seconds and float(seconds[1]) >= 2 * 0.2


def test_concurrent_requests_says_when_nobody_answers():
    done = run_script("http://127.0.0.1:1/", "--requests", "2")
    assert done.returncode == 1
    assert "0 of 2 answered with 200" in done.stdout and "Traceback" not in done.stderr


def test_concurrent_requests_repeats_nothing():
    asked = []

    class HangsUp(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)

    with http.server.HTTPServer(("127.0.0.1", 0), HangsUp) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        done = run_script(f"http://127.0.0.1:{listener.server_port}/", "--requests", "1")
        listener.shutdown()
    assert done.returncode == 1 and "ServerDisconnectedError" in done.stdout
    assert asked == ["/"]


@pytest.mark.parametrize(
    "arguments", [["http://example.com/"], ["--requests", "0"], ["--requests", "9999"], ["ftp://x"]]
)
def test_concurrent_requests_refuses_what_is_out_of_bounds(arguments):
    done = run_script(*arguments)
    assert done.returncode == 2 and "error: argument" in done.stderr
