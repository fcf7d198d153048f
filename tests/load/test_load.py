import asyncio
import os
import signal
import socket
import struct
import time
from contextlib import asynccontextmanager

import pytest

from workerlab import Server, burst, closed_loop, steady, stop_all
from workerlab.load import ServerStopped
from workerlab.ports import free_port
from workerlab.records import NotKnown

UVICORN = "uvicorn app.main:app --port {port}"
GUNICORN = (
    "gunicorn app.main:app --workers {n} --worker-class uvicorn_worker.UvicornWorker"
    " --bind 127.0.0.1:{{port}}"
)


# An app that reports nothing by itself: it naps, or says what it was asked.
SILENT_APP = """
import asyncio
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
app = FastAPI()

@app.get("/nap")
async def nap():
    await asyncio.sleep(1)

@app.get("/text", response_class=PlainTextResponse)
async def text():
    return "orders_total 3"

@app.api_route("/echo", methods=["GET", "POST", "PUT"])
async def echo(request: Request):
    body = await request.body()
    return {"method": request.method, "colour": request.headers.get("x-colour"),
            "type": request.headers.get("content-type"), "body": body.decode()}
"""
SILENT = {
    "command": "uvicorn silent:app --app-dir {folder} --port {port}",
    "files": {"silent.py": SILENT_APP},
}
RESET = struct.pack("ii", 1, 0)  # closing a socket then resets the connection


@pytest.fixture(scope="module")
def server():
    yield Server(UVICORN, name="test_load")
    stop_all()


@pytest.fixture(scope="module")
def silent():
    yield Server(**SILENT, name="silent")
    stop_all()


@pytest.fixture(scope="module")
def stopped():
    stopped = Server(UVICORN, name="stopped")
    stopped.stop()
    return stopped


@asynccontextmanager
async def crude_server(answer: bytes, *, resets: bool = False, waits: float = 0, port: int = 0):
    """A server which reads a request, writes `answer` and hangs up; counts its connections."""
    connections = []

    async def serve(reader, writer):
        connections.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await asyncio.sleep(waits)
        if resets:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", port)
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield f"http://127.0.0.1:{port}/", connections


def test_all_at_once(server):
    run = asyncio.run(burst(f"{server.url}/slow-await?seconds=0.5", n=8))
    assert run.peak_overlap == 8 and not run.failures
    assert run.by_worker == {server.pid: 8}
    for record in run.records:
        moments = [
            record.sent,
            record.reached,
            record.began,
            record.ended,
            record.received,
        ]
        assert moments == sorted(moments)
        assert record.thread == "MainThread" and record.reply["worker_pid"] == server.pid


def test_each_upon_the_reply_of_the_one_before(server):
    run = asyncio.run(burst(f"{server.url}/slow-await?seconds=0.05", n=4, after="received"))
    assert run.peak_overlap == 1
    for earlier, later in zip(run.records, run.records[1:], strict=False):
        assert later.sent >= earlier.received


def test_each_upon_the_beginning_of_the_one_before(server):
    run = asyncio.run(burst(f"{server.url}/slow-await?seconds=0.5", n=4, after="began"))
    assert run.peak_overlap == 4
    for earlier, later in zip(run.records, run.records[1:], strict=False):
        assert earlier.began < later.sent < earlier.ended


def test_a_request_that_never_begins_does_not_hold_up_the_others(server):
    run = asyncio.run(burst(f"{server.url}/slow?seconds=99", n=3, after="began"))
    assert [record.status for record in run.records] == [422, 422, 422]
    assert len(run.failures) == 3


def test_several_urls_in_one_burst(server):
    run = asyncio.run(burst([f"{server.url}/", f"{server.url}/health"], n=3))
    assert len(run.only("/health")) == 3 and len(run) == 6


def test_bursts_side_by_side_keep_their_own_records(server):
    async def both():
        url = f"{server.url}/slow-def?seconds=0.2"
        return await asyncio.gather(burst(url, n=5), burst(url, n=5, after="began"))

    first, second = asyncio.run(both())
    assert all(r.began for r in first.records + second.records)


def test_a_thousand_requests_lose_no_report(server):
    run = asyncio.run(burst(f"{server.url}/slow-await?seconds=0", n=1000))
    assert not run.failures
    assert all(record.reached and record.began and record.ended for record in run.records)


def test_an_app_that_does_not_report_is_not_waited_for_upon_beginnings(silent):
    with pytest.raises(NotKnown, match=r"does not report that: .* Server\(\.\.\., probe=True\)"):
        asyncio.run(burst(f"{silent.url}/nap", n=4, after="began"))


def test_what_an_app_does_not_report_is_not_counted_as_none(silent):
    run = asyncio.run(burst(f"{silent.url}/nap", n=2))
    first, advice = repr(run).splitlines()
    assert "workers not known, 0 failed" in first and "at once" not in first
    assert "Server(..., probe=True)" in advice
    for figure in ("by_worker", "peak_overlap"):
        with pytest.raises(NotKnown, match="this app does not report"):
            getattr(run, figure)


def test_a_probed_app_whose_handlers_say_nothing_has_them_at_once():
    probed = Server(**SILENT, name="probed", probe=True)
    run = asyncio.run(burst(f"{probed.url}/nap", n=4, after="began"))
    probed.stop()
    assert run.peak_overlap == 4 and not run.failures


def test_a_method_json_and_headers_are_sent_by_every_kind_of_load(silent):
    async def experiment():
        url, options = f"{silent.url}/echo", {"method": "put", "json": {"n": 2}}
        options["headers"] = {"x-colour": "blue"}
        return [
            await burst(url, n=2, **options),
            await steady(url, rate=20, seconds=0.1, **options),
            await closed_loop(url, clients=1, seconds=0.05, **options),
        ]

    for run in asyncio.run(experiment()):
        for record in run.records:
            assert record.method == "PUT" and record.reply == {
                "method": "PUT",
                "colour": "blue",
                "type": "application/json",
                "body": '{"n": 2}',
            }


def test_what_is_no_json_is_refused_before_anything_is_sent():
    with pytest.raises(TypeError, match="not JSON serializable"):
        asyncio.run(burst("http://127.0.0.1:1/", method="POST", json={1, 2}))


def test_steady_and_a_closed_loop_take_their_urls_in_turn(server):
    urls = [f"{server.url}/", f"{server.url}/health"]
    loop = asyncio.run(closed_loop(urls, clients=1, seconds=0.1))
    run = asyncio.run(steady(urls, rate=40, seconds=0.1))
    paths = [record.url.removeprefix(server.url) for record in run.records]
    assert paths == ["/", "/health", "/", "/health"]
    assert abs(len(loop.only("/")) - len(loop.only("/health"))) <= 1


def test_one_run_over_two_servers_keeps_them_apart(server, silent):
    run = asyncio.run(burst([f"{server.url}/health", f"{silent.url}/text"], n=2))
    lanes = run.timeline().layout.lanes
    assert {(lane.server, lane.worker) for lane in lanes} == {
        (server.url.removeprefix("http://"), server.pid),
        (silent.url.removeprefix("http://"), None),
    }


def test_a_redirect_is_a_reply_and_not_followed(server):
    run = asyncio.run(burst(f"{server.url}/health/"))
    assert run.records[0].status == 307


def test_a_text_is_kept(silent):
    run = asyncio.run(burst(f"{silent.url}/text"))
    assert run.records[0].reply == "orders_total 3"


@pytest.mark.parametrize(
    ("load", "options"),
    [(burst, {}), (steady, {"rate": 1, "seconds": 1}), (closed_loop, {"clients": 1, "seconds": 1})],
)
def test_load_at_a_server_that_was_stopped_says_which_cell_to_run(stopped, load, options):
    with pytest.raises(ServerStopped) as refusal:
        asyncio.run(load(stopped.url, **options))
    sentence = str(refusal.value)
    assert "was stopped: run the cell that starts it again" in sentence
    assert stopped.command in sentence
    assert refusal.value._render_traceback_() == [f"ServerStopped: {sentence}"]


def test_another_program_at_the_address_of_a_stopped_server_is_loaded(stopped):
    async def experiment():
        async with crude_server(b"HTTP/1.1 204 No Content\r\n\r\n", port=stopped.port) as (url, _):
            return await burst(url)

    assert not asyncio.run(experiment()).failures


def test_nobody_there():
    run = asyncio.run(burst(f"http://127.0.0.1:{free_port()}/", n=3))
    assert len(run.failures) == 3
    assert all(record.status is None and record.worker is None for record in run.records)
    assert run.records[0].error == "the connection was refused: no server listens at this address"
    assert "none answered, 3 failed" in repr(run)


def lost(answer: bytes, timeout: float = 10.0, **how):
    """The records of five requests to a server that answers so."""

    async def experiment():
        async with crude_server(answer, **how) as (url, connections):
            run = await burst(url, n=5, timeout=timeout)
            # Nothing is sent again.
            assert len(connections) == 5
            return run.records

    return asyncio.run(experiment())


BEGINNING = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"


@pytest.mark.parametrize(
    ("answer", "how", "status", "sentence"),
    [
        (b"", {}, None, "the server closed the connection without a reply"),
        (b"", {"resets": True}, None, "the server reset the connection without a reply"),
        (b"nonsense\r\n\r\n", {}, None, "the reply is not HTTP"),
        (BEGINNING, {}, 200, "the reply was cut off in the middle"),
        (BEGINNING, {"resets": True}, 200, "the reply was cut off in the middle"),
        (b"", {"waits": 4, "timeout": 1.0}, None, "no reply within the time limit"),
        (BEGINNING, {"waits": 4, "timeout": 1.0}, 200, "no whole reply within the time limit"),
    ],
)
def test_a_loss_is_told_in_a_sentence_and_the_status_is_kept(answer, how, status, sentence):
    for record in lost(answer, **how):
        assert (record.status, record.error, record.ok) == (status, sentence, False)


def test_a_reply_without_an_end_is_cut_short(monkeypatch):
    monkeypatch.setattr("workerlab.load.MOST_BYTES", 2_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"
    for record in lost(head + bytes(2_500_000)):
        assert record.error == "the reply is longer than 2 MB" and not record.ok


def test_a_text_in_an_unknown_encoding_is_read_all_the_same():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=klingon\r\nContent-Length: 2\r\n"
    (record, *_) = lost(head + b"\r\nok")
    assert record.ok and record.reply == "ok"


def test_a_reply_that_claims_to_be_json_and_is_not():
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{"
    (record, *_) = lost(answer)
    assert record.status == 200 and record.error == "the reply claims to be JSON and is not"


def test_time_limit(server):
    run = asyncio.run(burst(f"{server.url}/slow-await?seconds=6", n=2, timeout=1.0))
    assert {record.error for record in run.records} == {"no reply within the time limit"}
    assert run.makespan < 4
    assert all(record.began for record in run.records)


def test_proxies_of_the_environment_are_ignored(server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert not asyncio.run(burst(server.url, n=2)).failures


@pytest.mark.parametrize(
    ("url", "n", "words"),
    [
        ("http://192.0.2.1/", 1, "not an http:// URL on this machine"),
        ("http://example.com/", 1, "not an http:// URL on this machine"),
        ("https://127.0.0.1/", 1, "not an http:// URL on this machine"),
        ("http://127.0.0.1/", 0, "from 1 to 5000 requests, not 0"),
        ("http://127.0.0.1/", 5001, "from 1 to 5000 requests, not 5001"),
    ],
)
def test_load_goes_to_this_machine_and_is_bounded(url, n, words):
    with pytest.raises(ValueError, match=words):
        asyncio.run(burst(url, n=n))


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (10, 0), (10, 121), (1e6, 10)])
def test_constant_rate_is_bounded(rate, seconds):
    with pytest.raises(ValueError):
        asyncio.run(steady("http://127.0.0.1:1/", rate=rate, seconds=seconds))


def test_open_loop_does_not_wait_for_replies(server):
    run = asyncio.run(steady(f"{server.url}/slow-await?seconds=0.6", rate=20, seconds=1))
    assert len(run) == 20 and run.rate == 20
    assert run.peak_overlap >= 8
    assert all(record.sent >= record.due for record in run.records)


def test_a_client_that_falls_behind_says_so(server):
    async def experiment():
        asyncio.get_running_loop().call_later(0.2, time.sleep, 0.5)
        return await steady(f"{server.url}/health", rate=20, seconds=0.6)

    run = asyncio.run(experiment())
    assert "The client fell behind" in repr(run)


def test_cancelling_ends_a_burst_at_once(server):
    async def experiment():
        task = asyncio.create_task(burst(f"{server.url}/slow-await?seconds=3", n=5))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began, len(asyncio.all_tasks())

    seconds, tasks = asyncio.run(experiment())
    assert seconds < 1 and tasks == 1


def test_four_workers_have_one_blocking_request_each():
    four = Server(GUNICORN.format(n=4), name="four")
    run = asyncio.run(burst(f"{four.url}/slow?seconds=1", n=4, after="began"))
    four.stop()
    assert run.peak_overlap == 4 and len(run.by_worker) == 4


def test_a_request_whose_worker_was_killed_keeps_what_is_known():
    one = Server(GUNICORN.format(n=1), name="killed")
    (worker,) = one.workers

    async def experiment():
        asyncio.get_running_loop().call_later(0.5, os.kill, worker, signal.SIGKILL)
        return await burst(f"{one.url}/slow-await?seconds=5", n=2)

    run = asyncio.run(experiment())
    one.stop()
    assert len(run.failures) == 2
    for record in run.records:
        assert record.worker == worker and record.began and record.ended is None
        assert record.error == "the server closed the connection without a reply"


def test_a_closed_loop(server):
    run = asyncio.run(closed_loop(f"{server.url}/slow-await?seconds=0.1", clients=3, seconds=0.5))
    assert run.peak_overlap == 3 and not run.failures
    # Each client sends only when it has its reply.
    assert len(run) <= 3 * 6
    last_sent = max(record.sent for record in run.records)
    assert last_sent - run.records[0].sent < 0.5
    assert run.throughput <= 3 / 0.1


@pytest.mark.parametrize(
    ("clients", "seconds", "url"),
    [(0, 1, ""), (501, 1, ""), (1, 0, ""), (1, 121, ""), (1, 1, "http://192.0.2.1/")],
)
def test_a_closed_loop_is_bounded(clients, seconds, url):
    with pytest.raises(ValueError):
        asyncio.run(closed_loop(url or "http://127.0.0.1:1/", clients, seconds))
