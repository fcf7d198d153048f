"""One frame of a live timeline, read as the SVG that a browser gets."""

import re
from xml.etree import ElementTree

import pytest

from workerlab.pictures.frame import WIDTH, frame, window
from workerlab.pictures.layout import layout
from workerlab.pictures.palette import FAILED, TEXT, WAITING, WORKERS
from workerlab.records import Record, Run

HEIGHT = 300


def request(number: int, worker: int | None = 7, began: float | None = 0.5, **more) -> Record:
    fields = {"sent": 0.0, "received": 1.0, "status": 200, "thread": "MainThread"}
    fields |= {"url": "http://127.0.0.1:1/slow", "worker": worker, "began": began}
    return Record(id=str(number), ended=began and 1.0, **{**fields, **more})


def in_progress(number: int, **more) -> Record:
    return request(number, stopped=True, status=None, **more)


def drawn(*records: Record, workers=(), height: int = HEIGHT) -> ElementTree.Element:
    placed = layout(Run(list(records)), workers)
    # As a page has it: there an <svg> needs no namespace.
    return ElementTree.fromstring(frame(placed, "8 <requests>", height, window(1.0)))


def paths(svg: ElementTree.Element, colour: str) -> list[str]:
    """The outlines in this colour."""
    return [path.get("d", "") for path in svg.iter("path") if path.get("fill") == colour]


def words(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("text")]


def test_its_title_is_what_a_screen_reader_reads():
    svg = drawn(request(1))
    assert svg.get("role") == "img" and svg.get("aria-label") == "8 <requests>"
    assert "8 <requests>" in words(svg)


def test_a_bar_waits_and_then_has_the_colour_of_its_worker():
    svg = drawn(request(1), request(2, worker=8, began=0.6))
    assert len(paths(svg, WAITING)) == 2
    assert all(paths(svg, colour) for colour in WORKERS[:2])
    (waits, _) = paths(svg, WAITING)
    (works,) = paths(svg, WORKERS[0])
    # From the moment it was sent to its reply, and from half of that on.
    wait_from, wait_long = map(float, re.match(r"M([\d.]+) [\d.]+h([\d.]+)", waits).groups())
    work_from, work_long = map(float, re.match(r"M([\d.]+) [\d.]+h([\d.]+)", works).groups())
    assert work_from == pytest.approx(wait_from + wait_long / 2, abs=0.2)
    assert work_long == pytest.approx(wait_long / 2, abs=0.2)


def test_what_has_reached_no_worker_yet_stands_last_and_waits():
    svg = drawn(request(1), in_progress(2, worker=None, began=None))
    assert words(svg).index("waiting") > words(svg).index("worker 1")
    assert not [path for path in svg.iter("path") if path.get("stroke") == FAILED]


def test_a_failure_has_its_cross_and_what_is_stopped_has_none():
    crosses = [p for p in drawn(request(1, status=500)).iter("path") if p.get("stroke") == FAILED]
    assert len(crosses) == 1
    svg = drawn(in_progress(1))
    assert not [path for path in svg.iter("path") if path.get("stroke") == FAILED]


def test_a_handler_in_the_thread_pool_is_striped():
    svg = drawn(request(1, thread="AnyIO worker thread"))
    (pattern,) = svg.iter("pattern")
    assert paths(svg, f"url(#{pattern.get('id')})") and not paths(svg, WORKERS[0])


def test_an_idle_worker_has_a_lane_that_says_so():
    assert "no request" in words(drawn(request(1), workers=[7, 8]))
    assert "no request" not in words(drawn(request(1), workers=[7]))


@pytest.mark.parametrize("count", [1, 20, 400])
def test_all_of_it_stays_within_the_height(count):
    svg = drawn(*(request(number) for number in range(count)), workers=[7, 8, 9])
    heights = [float(y) for d in paths(svg, WAITING) for y in re.findall(r"M[\d.]+ ([\d.]+)", d)]
    assert len(heights) >= count
    assert min(heights) > 0 and max(heights) < HEIGHT - 40
    assert svg.get("height") == str(HEIGHT) and svg.get("width") == str(WIDTH)


def test_two_hundred_requests_of_four_workers_are_a_small_frame():
    records = [request(number, worker=number % 4) for number in range(200)]
    assert len(frame(layout(Run(records)), "200", HEIGHT, 1.0)) < 20_000


def test_text_is_dark_on_the_white_that_it_is_drawn_on():
    svg = drawn(request(1))
    assert "background:white" in (svg.get("style") or "")
    assert {text.get("fill") for text in svg.iter("text")} >= {TEXT}


def test_the_axis_grows_in_steps_and_always_holds_what_it_shall():
    assert [window(seconds) for seconds in (0.1, 1.0, 1.1, 2.9, 7, 500)] == [1, 1, 1.5, 3, 8, 500]
