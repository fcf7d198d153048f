"""nginx and the slow network, as the lessons start them."""

import asyncio
import socket
import sys
import time

import pytest

from workerlab import Server, burst, stop_all
from workerlab.proxy import NEEDED, needs_nginx, nginx_path, start_nginx
from workerlab.waiting import until

SITE = 'server { listen 127.0.0.1:{port}; location / { return 200 "here"; } }'


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    stop_all()


@pytest.mark.skipif(nginx_path() is None, reason="there is no nginx")
def test_nginx_answers_and_ends_with_its_server():
    nginx = start_nginx(SITE)
    assert [r.reply for r in asyncio.run(burst(nginx.url, n=2)).records] == ["here", "here"]
    assert len((nginx.folder / "access.log").read_text().splitlines()) == 2
    pids = nginx.pids
    nginx.stop()
    assert pids and not nginx.pids


def test_without_nginx_each_later_cell_says_so(monkeypatch, capsys):
    IPython = pytest.importorskip("IPython")
    shell = IPython.core.interactiveshell.InteractiveShell.instance()
    monkeypatch.setattr("workerlab.proxy.nginx_path", lambda: None)
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    before = list(shell.input_transformers_cleanup)
    try:
        needs_nginx()
        shell.run_cell("1 / 0")
        shell.run_cell("no_such_name")
    finally:
        shell.input_transformers_cleanup[:] = before
    said = capsys.readouterr().out
    assert said.count(NEEDED) == 3 and "Error" not in said


def test_a_message_takes_its_time_both_ways():
    with socket.create_server(("127.0.0.1", 0)) as far:
        command = f"{sys.executable} -m workerlab.slow_network --port {{port}}"
        network = Server(f"{command} --to {far.getsockname()[1]} --delay 0.2", ready="tcp")
        far.accept()[0].close()  # the look whether it is ready
        with socket.create_connection(("127.0.0.1", network.port)) as near:
            host = far.accept()[0]
            sent = time.monotonic()
            near.sendall(b"question")
            assert host.recv(100) == b"question"
            assert time.monotonic() - sent >= 0.2
            sent = time.monotonic()
            host.sendall(b"answer")
            host.close()
            assert near.recv(100) == b"answer" and near.recv(100) == b""
            assert time.monotonic() - sent >= 0.2


def test_waiting_has_a_limit():
    assert asyncio.run(until(lambda: True))
    assert not asyncio.run(until(lambda: False, timeout=0.1))
