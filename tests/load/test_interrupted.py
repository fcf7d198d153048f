"""What is left of a run that was interrupted: one line, and a server that has other work to do."""

import asyncio
import os
import re
import signal
import time

import pytest
from jupyter_client.manager import start_new_kernel

from workerlab import Server, burst, interrupted, steady, stop_all

UVICORN = "uvicorn app.main:app --port {port}"


@pytest.fixture(scope="module")
def server():
    yield Server(UVICORN, name="interrupted")
    stop_all()


@pytest.fixture
def busy():
    """A server that is ended whatever it still works on."""
    busy = Server(UVICORN, name="busy")
    yield busy
    busy.stop(grace=0)


async def interrupt(sending, seconds: float) -> str:
    """Cancel what sends after so many seconds; return what a notebook shows of it."""
    task = asyncio.ensure_future(sending)
    await asyncio.sleep(seconds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    (line,) = cancelled.value._render_traceback_()
    return line


def test_an_interrupt_is_told_in_a_line_and_the_next_burst_begins_clean(server):
    async def experiment():
        url = f"{server.url}/slow?seconds=1"
        return await interrupt(burst(url, n=4), 1.5), await burst(url, n=2)

    line, run = asyncio.run(experiment())
    assert re.fullmatch(r"stopped after 1\.\d s, 1 of 4 answered", line)
    # Of the first four, two still had to run when the second burst was asked for.
    assert run.notes == [] and run.makespan < 3


def test_bursts_side_by_side_are_interrupted_together(server):
    async def experiment():
        both = asyncio.gather(
            burst(f"{server.url}/slow?seconds=1", n=3),
            steady(f"{server.url}/health", rate=10, seconds=4),
        )
        line = await interrupt(both, 1.5)
        url = f"{server.url}/health"
        return line, await asyncio.gather(burst(url), burst(url))

    line, runs = asyncio.run(experiment())
    assert line.startswith("stopped after")
    assert all(run.notes == [] and run.makespan < 0.8 for run in runs)


def test_a_server_that_has_not_done_with_the_old_requests_is_told_of(busy, monkeypatch):
    monkeypatch.setattr(interrupted, "LONGEST", 0.3)

    async def experiment():
        await interrupt(burst(f"{busy.url}/slow-await?seconds=9", n=3), 1.0)
        return [await burst(f"{busy.url}/health"), await burst(f"{busy.url}/health")]

    first, second = asyncio.run(experiment())
    (note,) = first.notes
    assert "still working on requests of an interrupted run (3)" in note
    assert second.notes == []


def test_requests_whose_worker_has_died_are_not_waited_for(busy):
    async def experiment():
        await interrupt(burst(f"{busy.url}/slow-await?seconds=9", n=3), 1.0)
        os.kill(busy.pid, signal.SIGKILL)
        began = time.monotonic()
        await burst(busy.url)
        return time.monotonic() - began

    assert asyncio.run(experiment()) < 2


def test_of_an_app_that_does_not_report_it_is_not_known():
    silent = Server("python -m http.server {port} --bind 127.0.0.1", name="silent")

    async def experiment():
        os.kill(silent.pid, signal.SIGSTOP)
        await interrupt(burst(silent.url, n=2), 0.2)
        os.kill(silent.pid, signal.SIGCONT)
        return await burst(silent.url)

    run = asyncio.run(experiment())
    silent.stop()
    assert "working on its requests, since this app does not report" in run.notes[0]


@pytest.mark.slow
def test_jupyters_interrupt_leaves_one_line_and_a_clean_server(tmp_path):
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))

    def run_cell(code: str, interrupt_after: float | None = None) -> list[str]:
        shown = []
        sent = client.execute(code)
        if interrupt_after:
            time.sleep(interrupt_after)
            manager.interrupt_kernel()
        while True:
            message = client.get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") != sent:
                continue
            kind, what = message["msg_type"], message["content"]
            if kind == "status" and what["execution_state"] == "idle":
                return shown
            if kind == "error":
                shown += what["traceback"]
            elif kind == "stream":
                shown.append(what["text"])

    try:
        run_cell(f"from workerlab import *\nserver = Server({UVICORN!r})")
        burst_of_eight = "run = await burst(f'{server.url}/slow?seconds=0.4', n=8)"
        (line,) = run_cell(burst_of_eight, interrupt_after=1)
        assert line.startswith("stopped after ") and line.endswith("of 8 answered")
        (text,) = run_cell(f"{burst_of_eight.replace('n=8', 'n=1')}\nprint(run.makespan < 0.8)")
        assert text.strip() == "True"
        run_cell("stop_all()")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
