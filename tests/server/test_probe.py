"""The probe around an app from outside, and what it sees of requests that are not the kit's."""

import asyncio
import urllib.request
import uuid
from urllib.parse import urlsplit

import pytest

from workerlab import Server, burst
from workerlab.probe import OBSERVE
from workerlab.reports import reports

# Standard library only: nothing in it knows of the kit.
APP = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for done in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{done}.complete"})
        return
    await asyncio.sleep(0.2)
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})
"""
GUNICORN = "gunicorn app_of_a_reader:app --chdir {folder} --workers 2 --bind 127.0.0.1:{port}"
UVICORN_WORKER = f"{GUNICORN} --worker-class uvicorn_worker.UvicornWorker"
RUN = "import uvicorn; uvicorn.run('app_of_a_reader:app', app_dir='{folder}', port={port})"
COMMANDS = {
    "uvicorn": "uvicorn app_of_a_reader:app --app-dir {folder} --port {port}",
    "uvicorn --workers": "uvicorn app_of_a_reader:app --app-dir {folder} --workers 2 --port {port}",
    "uvicorn.run": f'python -c "{RUN}"',
    "port in a variable": "UVICORN_PORT={port} uvicorn app_of_a_reader:app --app-dir {folder}",
    "uvicorn-worker": UVICORN_WORKER,
    "uvicorn-worker, preloaded": f"{UVICORN_WORKER} --preload",
    "asgi": f"{GUNICORN} --worker-class asgi",
}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, id=name, marks=[pytest.mark.slow] if "-" in name else [])
        for name, command in COMMANDS.items()
    ],
)
def test_it_gets_around_any_app_and_sees_requests_of_any_client(command):
    token = uuid.uuid4().hex
    files = {"app_of_a_reader.py": APP}
    server = Server(command, name="probed", files=files, probe=True, env={OBSERVE: token})
    try:
        assert server.is_probed
        run = asyncio.run(burst(f"{server.url}/ours", n=3))
        assert not run.failures and run.peak_overlap == 3
        assert {record.worker for record in run.records} <= set(server.workers)
        urllib.request.urlopen(f"{server.url}/theirs%20too?n=1", timeout=10).read()
        *_, found = observed = list(reports.observed(token).values())
    finally:
        server.stop()
    assert len(observed) == 4
    pid, reached, path = found["reached"]
    _, replied, status = found["replied"]
    assert path == "/theirs%20too?n=1" and status == "201"
    assert pid in {record.worker for record in run.records} | {pid}
    assert replied - reached > 0.19


@pytest.mark.slow
def test_an_app_that_reports_itself_is_reported_once():
    server = Server("uvicorn app.main:app --port {port}", name="probed", probe=True)
    try:
        run = asyncio.run(burst(f"{server.url}/slow-def?seconds=0.1"))
    finally:
        server.stop()
    assert run.records[0].in_thread_pool


def test_where_it_cannot_get_in_the_server_says_so():
    server = Server("python -m http.server {port} --bind 127.0.0.1", name="probed", probe=True)
    try:
        assert not server.is_probed
        assert "The probe is not in this server" in repr(server)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("gunicorn app.main:app -k uvicorn_worker.UvicornWorker", {"env": {"PORT": "{port}"}}),
        (
            "gunicorn app.main:app -c {folder}/conf.py",
            {
                "files": {
                    "conf.py": 'bind = "127.0.0.1:{port}"\n'
                    'worker_class = "uvicorn_worker.UvicornWorker"\n'
                }
            },
        ),
    ],
    ids=["environment", "file"],
)
def test_the_port_that_was_filled_in_is_the_address(command, options):
    if "env" in options:
        # Gunicorn's own default would be every address.
        command += " --config python:tests.server.bind_to_loopback"
    server = Server(command, name="filled", **options)
    try:
        assert urlsplit(server.url).port == server.listening()[0].port != 8000
    finally:
        server.stop()
