"""The watch around an app, in this process: what it notes, and what it never notes."""

import asyncio
import importlib.util
import json
import os
import re
import sysconfig
import threading
import time

import pytest

from workerlab.report.inject import workerlab_watch as watch
from workerlab.report.inject.workerlab_watch import Watch, is_library


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "FOLDER", str(tmp_path))
    return tmp_path


def notes_in(folder, what):
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    return [note for note in map(json.loads, lines) if note["what"] == what]


async def answer(send, body=b"ok"):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def ask(app, path="/", name=None, headers=()):
    """The messages that came back."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"secret-body", "more_body": False}

    named = [(watch.HEADER, name.encode())] if name else []
    scope = {"type": "http", "path": path, "headers": [*named, *headers]}
    await app(scope, receive, send)
    return sent


def watched(handler, folder, name="r1"):
    """The note of one request to this handler, some moments after the sampler has come to rest."""

    async def app(scope, receive, send):
        result = handler()
        if asyncio.iscoroutine(result):
            await result
        await answer(send)

    asyncio.run(ask(Watch(app), name=name))
    [note] = notes_in(folder, "request")
    return note


def sleeping():
    time.sleep(0.1)


def test_a_handler_that_blocks_leaves_a_gap_in_which_its_line_was_seen(folder):
    note = watched(sleeping, folder)
    gap = max(note["gaps"], key=lambda gap: gap["seconds"])
    assert gap["seconds"] >= 0.09
    assert gap["cpu"] < 0.05
    assert gap["on_loop"] >= 1
    line = sleeping.__code__.co_firstlineno + 1
    assert f"{__file__}:{line} sleeping" in note["lines"]["loop"]


def test_a_handler_that_awaits_leaves_no_line(folder):
    note = watched(lambda: asyncio.sleep(0.1), folder)
    assert note["wall"] >= 0.09
    assert not note["lines"]["threads"] and note["looks_in_threads"] == 0


def test_cpu_time_of_the_loop_is_counted_in_the_gap(folder):
    def compute():
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            sum(range(100))

    note = watched(compute, folder)
    assert sum(gap["cpu"] for gap in note["gaps"]) >= 0.045
    assert note["loop_cpu"] >= 0.05


def test_a_thread_of_the_requests_own_is_seen(folder):
    note = watched(lambda: asyncio.to_thread(sleeping), folder)
    assert note["looks_in_threads"] >= 1
    assert any(line.endswith(" sleeping") for line in note["lines"]["threads"])


def test_a_thread_that_worked_before_the_request_is_not_its_doing(folder):
    ended = threading.Event()

    def work_beside():
        while not ended.is_set():
            sum(range(1000))
            time.sleep(0.001)

    thread = threading.Thread(target=work_beside)
    thread.start()
    try:
        note = watched(lambda: asyncio.sleep(0.1), folder)
    finally:
        ended.set()
        thread.join()
    assert note["looks_in_threads"] == 0 and note["in_threads"] == 0
    assert not note["lines"]["threads"]
    assert note["others_cpu"] is None or note["others_cpu"] < 0.01


def test_a_traced_request_names_the_line_that_calls_into_a_library(folder):
    text = json.dumps([number / 3 for number in range(200_000)])

    def read():
        return json.loads(text)

    traced = watched(read, folder, f"r1{watch.LINES}")["traced"]
    line = read.__code__.co_firstlineno + 1
    most = max(traced, key=traced.get)
    assert most == f"{__file__}:{line} read"
    assert traced[most] > 0.5 * sum(traced.values())


def test_tracing_ends_with_the_request(folder):
    before = threading.gettrace(), watch.sys.gettrace()
    watched(sleeping, folder, f"r1{watch.LINES}")
    assert (threading.gettrace(), watch.sys.gettrace()) == before


def test_a_note_holds_no_header_body_or_path_of_a_request(folder):
    async def app(scope, receive, send):
        variable = "secret-variable"
        await receive()
        await answer(send, variable.encode())

    headers = [(b"authorization", b"secret-header")]
    asyncio.run(ask(Watch(app), "/secret-path?q=secret-query", "r1", headers))
    written = "".join(file.read_text() for file in folder.glob("*.jsonl"))
    assert '"id": "r1"' in written
    assert "secret" not in written


def test_an_exception_reaches_the_server_and_no_note(folder):
    def fail():
        raise KeyError("secret")

    with pytest.raises(KeyError):
        watched(fail, folder)
    [note] = notes_in(folder, "request")
    assert note["ended"]
    assert "secret" not in json.dumps(note)


def test_without_the_header_nothing_is_watched(folder):
    async def app(scope, receive, send):
        await answer(send)

    sent = asyncio.run(ask(Watch(app)))
    assert sent[0]["status"] == 200
    assert notes_in(folder, "request") == []


def test_its_own_paths_do_not_reach_the_app(folder):
    async def app(scope, receive, send):
        raise AssertionError("the app was asked")

    async def ask_all():
        around = Watch(app)
        return [await ask(around, path) for path in (watch.PING, "/root" + watch.APP, watch.OPEN)]

    ping, description, opened = asyncio.run(ask_all())
    assert [ping[0]["status"], description[0]["status"], opened[0]["status"]] == [204, 200, 204]
    assert dict(ping[0]["headers"])[b"x-workerlab-pid"] == str(os.getpid()).encode()
    assert json.loads(description[1]["body"])["routes"] == []


def test_a_request_that_goes_on_is_noted_when_asked_for(folder):
    async def app(scope, receive, send):
        await asyncio.sleep(60)

    async def ask_twice():
        around = Watch(app)
        first = asyncio.create_task(ask(around, name="r1"))
        await asyncio.sleep(0.05)
        await ask(around, watch.OPEN)
        first.cancel()
        await asyncio.wait([first])

    asyncio.run(ask_twice())
    opened, ended = notes_in(folder, "request")
    assert (opened["ended"], ended["ended"]) == (False, True)


def test_lifespan_is_noted_and_passed_on(folder):
    async def app(scope, receive, send):
        await send({"type": "lifespan.startup.complete"})

    sent = []

    async def send(message):
        sent.append(message)

    async def serve():
        await Watch(app)({"type": "lifespan"}, None, send)

    asyncio.run(serve())
    assert sent == [{"type": "lifespan.startup.complete"}]
    assert [note["message"] for note in notes_in(folder, "lifespan")] == [
        "lifespan.startup.complete"
    ]


def test_a_readers_folder_named_like_a_library_is_the_readers(folder, tmp_path):
    file = tmp_path / "asyncio" / "queue.py"
    file.parent.mkdir()
    file.write_text("import time\n\n\ndef wait():\n    time.sleep(0.1)\n")
    scope = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    note = watched(scope["wait"], folder)
    assert f"{file}:5 wait" in note["lines"]["loop"]
    assert not is_library(str(file)) and is_library(re.__file__)


def test_the_command_that_serves_is_no_line_of_the_app():
    script = os.path.join(sysconfig.get_path("scripts"), "uvicorn")
    assert is_library(script)


ROOT_LOGGER_USED = [
    ("import logging\n\ndef go():\n    logging.info('x')\n", True),
    ("import logging\n\nlog = logging.getLogger()\n", True),
    ("from logging import getLogger\n\nlog = getLogger()\n", True),
    ("import logging\n\nlog = logging.getLogger('uvicorn.error')\nlog.info('x')\n", False),
    ("print('x')\n", False),
]


@pytest.mark.parametrize(("source", "uses_it"), ROOT_LOGGER_USED)
def test_an_app_that_logs_through_the_root_logger_has_that_one(source, uses_it, tmp_path):
    (tmp_path / "theirs.py").write_text(source)
    spec = importlib.util.spec_from_file_location("theirs", tmp_path / "theirs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert watch.uses_root_logger(module) is uses_it
    assert not watch.uses_root_logger(json)
