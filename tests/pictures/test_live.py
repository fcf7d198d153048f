"""The timeline that draws itself, as messages that a kernel sends to the output of a cell."""

import html
import re
from itertools import pairwise

import pytest

from tests.watched_kernel import Told, WatchedKernel, watched_kernel
from workerlab.pictures.live import LivePicture, _known
from workerlab.records import Record, Run
from workerlab.status import PLAIN

START = """
import asyncio
from workerlab import Server, burst, steady, stop_all
server = Server("uvicorn app.main:app --port {port}")
"""


@pytest.fixture(scope="module")
def kernel():
    with watched_kernel() as kernel:
        kernel.run(START)
        yield kernel
        kernel.run("stop_all()")


def pages(told: list[Told]) -> list[str]:
    """The HTML that took each other's place in one output, which is checked to be one."""
    shown = [one for one in told if "display_data" in one.kind]
    assert [one.kind for one in shown[:1]] == ["display_data"] * len(shown[:1])
    assert {one.kind for one in shown[1:]} <= {"update_display_data"}
    assert len({one.content["transient"]["display_id"] for one in shown}) <= 1
    return [one.content["data"]["text/html"] for one in shown]


def title(page: str) -> str:
    """Of a frame or of a finished picture: what a screen reader reads."""
    return html.unescape(re.search(r'(?:aria-label|alt)="([^"]*)"', page)[1])


def height(page: str) -> int:
    return int(re.search(r'<svg [^>]*height="(\d+)"', page)[1])


def test_bars_grow_while_the_cell_runs_and_a_finished_picture_takes_their_place(kernel):
    told = kernel.run('run = await burst(f"{server.url}/slow?seconds=0.3", n=4)')
    *frames, finished = pages(told)
    assert len(frames) >= 6 and all("<svg" in page for page in frames)
    assert told[0].after < 0.8 and told[0].content["data"]["text/plain"] == PLAIN
    counts = [int(re.search(r"(\d+) answered", title(page))[1]) for page in frames]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == 4
    assert "waiting" in frames[1] and "worker 1" in frames[1]
    assert len(set(map(height, frames))) == 1
    assert "<svg" not in finished
    text = told[-1].content["data"]["text/plain"]
    assert title(finished) == text and text.startswith("Timeline: 4 requests; measured: 1.2")


def test_the_finished_picture_is_as_high_as_the_frames(kernel):
    frame, *_, finished = pages(kernel.run('await burst(f"{server.url}/slow?seconds=0.2", n=3);'))
    code = "import base64, io; from PIL import Image\n"
    code += f"print(Image.open(io.BytesIO(base64.b64decode({png(finished)!r}))).size)"
    (printed,) = kernel.run(code)
    assert printed.content["text"] == f"(1760, {2 * height(frame)})\n"


def png(page: str) -> str:
    return re.search(r"base64,([^\"]+)", page)[1]


def test_a_cell_that_shows_a_picture_itself_has_that_one_alone(kernel):
    told = kernel.run(
        'run = await burst(f"{server.url}/slow?seconds=0.2", n=2)\nrun.timeline("Two requests")'
    )
    assert pages(told)[-1] == "" and "<svg" in pages(told)[-2]
    assert [one.kind for one in told].count("execute_result") == 1


def test_runs_side_by_side_share_a_picture_and_runs_in_turn_share_its_place(kernel):
    told = kernel.run(
        'both = burst(f"{server.url}/slow-await?seconds=0.4", n=3), '
        'steady(f"{server.url}/health", rate=20, seconds=0.5)\n'
        "await asyncio.gather(*both)\n"
        'await burst(f"{server.url}/slow?seconds=0.2", n=2);'
    )
    titles = [title(page) for page in pages(told)]
    assert titles[2].startswith("13 requests:")
    assert titles[-2].startswith("run 2: 2 requests:")
    assert titles[-1].startswith("Timeline: 2 requests")


def test_a_run_too_short_for_a_frame_shows_nothing(kernel):
    assert pages(kernel.run('await burst(f"{server.url}/health");')) == []


def test_after_a_frame_that_took_long_the_next_one_comes_soon(kernel):
    told = kernel.run(
        "import time\n"
        "from workerlab.pictures import live\n"
        "quick = live.LivePicture._frame\n"
        "live.LivePicture._frame = lambda picture: time.sleep(0.3) or quick(picture)\n"
        'await burst(f"{server.url}/slow-await?seconds=2.4");\n'
        "live.LivePicture._frame = quick"
    )
    times = [0.0, *(one.after for one in told)]
    assert len(told) >= 3 and max(b - a for a, b in pairwise(times)) < 2


def test_an_interrupt_says_stopped_and_not_failed_and_has_a_picture_too(kernel):
    def interrupt_once_drawn(told: Told) -> None:
        if told.kind == "display_data":
            kernel.manager.interrupt_kernel()

    code = 'await burst(f"{server.url}/slow-await?seconds=1.5", n=4)'
    told = kernel.run(code, at_each=interrupt_once_drawn)
    (line,) = [one.content["traceback"] for one in told if one.kind == "error"]
    assert re.fullmatch(r"stopped after \d\.\d s, 0 of 4 answered", line[0])
    text = told[-1].content["data"]["text/plain"]
    assert text.endswith("0 failed, 4 stopped") and "<img" in pages(told)[-1]
    assert all("0 failed" in title(page) for page in pages(told))
    kernel.run('await burst(f"{server.url}/health");')  # waits until the server has done with them


def test_a_run_that_outlives_its_cell_is_finished_by_a_later_one(kernel):
    told = kernel.run(
        'sending = asyncio.create_task(burst(f"{server.url}/slow-await?seconds=1", n=2))\n'
        "await asyncio.sleep(0.3)"
    )
    assert "<svg" in pages(told)[-1]
    (last,) = kernel.run("await sending;")
    assert "<img" in last.content["data"]["text/html"]
    assert last.content["transient"] == told[0].content["transient"]


def test_another_thread_than_the_cells_draws_nothing(kernel):
    code = 'await asyncio.to_thread(asyncio.run, burst(f"{server.url}/slow?seconds=0.3"));'
    assert pages(kernel.run(code)) == []


def test_under_pytest_nothing_is_drawn(kernel: WatchedKernel):
    kernel.run("import os; os.environ['PYTEST_CURRENT_TEST'] = 'x'")
    try:
        assert kernel.run('await burst(f"{server.url}/slow?seconds=0.3");') == []
    finally:
        kernel.run("del os.environ['PYTEST_CURRENT_TEST']")


def moments(*names: str) -> dict[str, tuple[int, float, str]]:
    return {name: (7, 10.0 + number, "MainThread") for number, name in enumerate(names)}


@pytest.mark.parametrize(
    ("names", "began", "worker"),
    [
        ([], None, None),
        (["reached"], None, 7),  # it may wait for a thread
        (["reached", "began"], 11.0, 7),
        (["reached", "began", "ended"], 11.0, 7),
    ],
    ids=["sent", "reached", "began", "ended"],
)
def test_what_is_known_of_a_request_in_progress(names, began, worker):
    record = Record(id="1", url="http://127.0.0.1:1/slow", sent=9.0)
    known = _known(record, moments(*names), now=20.0)
    assert (known.began, known.worker, known.received) == (began, worker, 20.0)
    assert not known.failed
    assert (record.worker, record.received, record.stopped) == (None, 0.0, False)


def test_the_workers_of_a_proxy_are_not_called_idle():
    picture = LivePicture()
    picture._workers = [1, 2]
    assert picture._idle_ones_of(Run([Record(worker=7)])) == []
    assert picture._idle_ones_of(Run([Record(worker=1)])) == [1, 2]
