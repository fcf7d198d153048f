"""What goes through a pipe from the workers to the kit, whole, torn, or not from the kit at all."""

import asyncio
import os
import threading

import pytest

from workerlab import probe
from workerlab.reports import Reports


@pytest.fixture
def reports(tmp_path):
    """Reports which listen to the pipe `pipe`."""
    reports = Reports()
    reports.listen(tmp_path / "pipe")
    yield reports
    for path in list(reports._pipes):
        reports.forget(path)


@pytest.fixture
def pipe(reports, tmp_path):
    descriptor = os.open(tmp_path / "pipe", os.O_WRONLY | os.O_NONBLOCK)
    yield descriptor
    os.close(descriptor)


def test_what_is_written_is_sorted_by_request(reports, pipe):
    os.write(pipe, b"reached 1-1 77 1.5 \nbegan 1-1 77 2.5 AnyIO worker thread\n")
    os.write(pipe, b"reached 1-2 78 1.0 \nstarted - 79 3.0 \n")
    reports.receive()
    assert reports.of("1-1") == {
        "reached": (77, 1.5, ""),
        "began": (77, 2.5, "AnyIO worker thread"),
    }
    assert reports.of("1-1") == {}
    assert reports.of("1-2") == {"reached": (78, 1.0, "")}
    assert reports.workers_started(since=2.9) == {79}
    assert reports.workers_started(since=3.1) == set()


def test_a_line_that_comes_in_two_pieces_is_put_together(reports, pipe):
    os.write(pipe, b"reached 1-1 77 1.5 \nended 1-")
    reports.receive()
    os.write(pipe, b"1 77 2.0 \n")
    reports.receive()
    assert reports.of("1-1") == {"reached": (77, 1.5, ""), "ended": (77, 2.0, "")}


def test_what_is_no_report_is_left_out(reports, pipe):
    os.write(pipe, b"\xff\xfe\n\nhello\nreached 1-1 many 1.0 \nreached 1-1 77 1.0 \n")
    reports.receive()
    assert reports.of("1-1") == {"reached": (77, 1.0, "")}


def test_what_was_written_before_the_end_is_not_lost(reports, pipe, tmp_path):
    os.write(pipe, b"reached 1-1 77 1.0 \n")
    reports.forget(tmp_path / "pipe")
    assert reports.of("1-1") == {"reached": (77, 1.0, "")}


def test_an_event_wakes_the_loop_that_waits_for_it(reports, pipe):
    async def wait() -> None:
        event = reports.event("1-1", "began")
        writing = threading.Timer(0.05, os.write, [pipe, b"began 1-1 77 1.0 MainThread\n"])
        with reports.being_watched():
            writing.start()
            await asyncio.wait_for(event, 5)

    asyncio.run(wait())


def test_a_worker_writes_without_waiting_though_the_pipe_is_full(reports, pipe, monkeypatch):
    with pytest.raises(BlockingIOError):
        while True:
            os.write(pipe, bytes(512))
    monkeypatch.setattr(probe, "_pipes", [pipe])
    probe._send("reached", ["1-1"], 1.0)


def test_where_nobody_reads_nothing_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "_pipes", [])
    assert not probe.report_to(str(tmp_path / "nowhere"))
    os.mkfifo(tmp_path / "deserted")
    assert not probe.report_to(str(tmp_path / "deserted"))
    assert probe._pipes == []
