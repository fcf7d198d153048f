import base64
import io

import matplotlib.image
import nbformat
import pytest
from bs4 import BeautifulSoup
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from nbconvert import HTMLExporter

from tests.nbval_adapter import clean
from workerlab import bars, curves, distribution
from workerlab.pictures.layout import layout
from workerlab.pictures.palette import WORKERS
from workerlab.records import Record, Run


def request(number: int, sent: float, began: float, ended: float, **more) -> Record:
    fields = {"worker": 7, "status": 200, "url": "http://127.0.0.1:1/slow", "thread": "MainThread"}
    return Record(
        id=str(number), sent=sent, began=began, ended=ended, received=ended, **{**fields, **more}
    )


def test_requests_at_the_same_time_stand_in_rows_of_their_own():
    placed = layout(Run([request(n, 10.0, 10.0 + n, 11.0 + n) for n in range(3)]))
    assert [bar.row for bar in placed.bars] == [0, 1, 2]
    assert placed.rows == [3]


def test_a_request_takes_the_row_that_is_free_again():
    placed = layout(Run([request(1, 0, 0, 1), request(2, 1.5, 1.5, 2)]))
    assert [bar.row for bar in placed.bars] == [0, 0]


def test_times_count_from_the_first_request():
    bar = layout(Run([request(1, 100.0, 100.25, 101.0)])).bars[0]
    assert (bar.sent, bar.began, bar.ended) == (0.0, 0.25, 1.0)


def test_workers_come_in_the_order_of_their_first_handler():
    placed = layout(Run([request(1, 0, 2, 3, worker=8), request(2, 0, 1, 3, worker=9)]))
    assert [lane.worker for lane in placed.lanes] == [9, 8]
    assert placed.name(0) == "worker 1\npid 9"


def test_what_reached_nobody_stands_last_in_a_lane_of_its_own():
    lost = Record(id="2", url="http://127.0.0.1:1/slow", sent=0, received=1, error="refused")
    placed = layout(Run([lost, request(1, 0, 0.5, 1)]))
    assert placed.lanes[-1] == ("127.0.0.1:1", None, "/slow")
    assert placed.name(1).startswith("no worker")


def test_a_request_that_died_in_its_handler_ends_where_the_client_saw_it():
    dead = request(1, 0, 0.2, 0.9, error="gone", status=None)
    dead.ended = None
    dead.received = 0.6
    assert layout(Run([dead])).bars[0].ended == pytest.approx(0.6)


def test_several_paths_of_a_worker_have_lanes_of_their_own():
    health = request(2, 0, 0.1, 0.2, url="http://127.0.0.1:1/health?x=1")
    placed = layout(Run([request(1, 0, 0, 1), health]))
    assert [lane[1:] for lane in placed.lanes] == [(7, "/slow"), (7, "/health")]
    assert placed.name(1) == "/health\nworker 1"
    assert placed.worker_number(0) == placed.worker_number(1) == 0


def test_workers_of_several_servers_are_numbered_at_each():
    there = {"url": "http://127.0.0.1:2/slow"}
    run = Run([request(1, 0, 0.2, 1), request(2, 0, 0.3, 1, worker=8, **there)])
    run.records.append(request(3, 0, 0.1, 1, worker=9, **there))
    placed = layout(run)
    names = [placed.name(lane) for lane in range(3)]
    assert names == [":1, worker 1\npid 7", ":2, worker 1\npid 9", ":2, worker 2\npid 8"]
    # Each has a colour of its own in the picture.
    assert [placed.worker_number(lane) for lane in range(3)] == [0, 1, 2]


def test_what_reached_nobody_is_kept_apart_by_server():
    urls = ["http://127.0.0.1:1/", "http://127.0.0.1:2/"]
    placed = layout(Run([Record(url=url, received=1, error="refused") for url in urls]))
    assert [placed.name(lane) for lane in range(2)] == [":1, no worker", ":2, no worker"]


def test_a_worker_which_is_not_known_is_not_called_none():
    placed = layout(Run([Record(url="http://127.0.0.1:1/", received=1, status=200)]))
    assert placed.name(0) == "worker not known"


def test_idle_workers_have_a_lane_that_says_so():
    run = Run([request(1, 0, 0, 1)])
    timeline = run.timeline(workers=[7, 8, 9])
    placed = timeline.layout
    assert [lane.worker for lane in placed.lanes] == [7, 8, 9] and placed.rows == [1, 1, 1]
    assert placed.name(1) == "worker 2\npid 8"
    assert timeline.text.endswith("1 handler at once, 0 failed, 2 idle")
    written = figure_of(timeline).axes[0].texts
    assert [text.get_text().strip() for text in written] == ["no request", "no request"]


def test_replies_collected_by_hand_have_no_path_and_are_no_idle_workers():
    times = {"sent": 0.0, "began": 0.1, "ended": 0.5, "received": 0.6}
    run = Run.of_replies([{**times, "thread": "MainThread", "worker_pid": 7}])
    assert "idle" not in run.timeline().text
    assert not list(figure_of(run.timeline()).axes[0].texts)


def figure_of(picture):
    figure = Figure()
    picture.draw(figure)
    return figure


def test_the_key_shows_the_colours_of_the_workers():
    run = Run([request(n, 0, 0, 1, worker=n) for n in (7, 8, 9)])
    (key,) = figure_of(run.timeline()).legends
    shown = [to_hex(patch.get_facecolor()).upper() for patch in key.findobj(Patch)]
    assert [text.get_text() for text in key.get_texts()][-1] == "a colour for each worker"
    assert [colour for colour in shown if colour in WORKERS] == WORKERS[:3]


@pytest.mark.parametrize(
    "picture",
    [Run([request(1, 0, 0, 1)]).timeline("x"), bars({'one <&">': 1.0}, "s")],
    ids=["timeline", "bars"],
)
def test_the_text_is_the_alt_text_of_exported_html(picture):
    data, metadata = picture._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)
    cell = nbformat.v4.new_code_cell(outputs=[output])
    html, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    (image,) = BeautifulSoup(html, "html.parser").find_all("img")
    assert image["alt"] == picture.text
    assert image["src"] == f"data:image/png;base64,{base64.b64encode(picture.png()).decode()}"


def test_the_tests_of_notebooks_do_not_compare_the_picture():
    one, two = (Run([request(1, 0, 0, end)]).timeline("x") for end in (1, 2))
    pages = [picture._repr_mimebundle_()[0]["text/html"] for picture in (one, two)]
    assert pages[0] != pages[1] and clean(pages[0]) == clean(pages[1])


def picture_of(thing):
    """Its text, its pixels, and the height at which it is shown."""
    data, _ = thing._repr_mimebundle_()
    pixels = matplotlib.image.imread(io.BytesIO(thing.png()))
    return data["text/plain"], pixels, round(thing.height * 100)


@pytest.mark.parametrize("count", [0, 1, 41, 200])
def test_the_picture_fits_one_screen_and_says_the_same_in_a_line(count):
    run = Run([request(n, 0, n * 0.1, n * 0.1 + 0.1) for n in range(count)])
    text, pixels, height = picture_of(run.timeline("title"))
    assert text.startswith(f"Timeline: {count} request") and "\n" not in text
    assert abs(pixels.shape[0] - 2 * height) <= 1 and pixels.shape[1] == 2 * 880
    assert height < 700


def test_a_failed_request_is_marked_in_its_own_colour():
    vermilion = (0xD5 / 255, 0x5E / 255, 0x00 / 255)

    def has_failure(run):
        _, pixels, _ = picture_of(run.timeline())
        return (abs(pixels[..., :3] - vermilion).max(axis=-1) < 0.02).any()

    assert not has_failure(Run([request(1, 0, 0, 1)]))
    assert has_failure(Run([request(1, 0, 0, 1, status=500)]))


def test_the_same_run_gives_the_same_file():
    run = Run([request(1, 0, 0, 1)])
    assert run.timeline("x").png() == run.timeline("x").png()


def test_a_mark_stands_above_the_bars_and_in_the_text():
    run = Run([request(n, 0, n, n + 1) for n in range(2)])
    plain, marked = run.timeline("title"), run.timeline("title", mark=(1.0, "both would end here"))
    assert repr(marked) == f"{plain!r}; both would end here: 1.00 s"
    assert marked.height > plain.height
    figure = Figure()
    marked.draw(figure)
    axes = figure.axes[0]
    (text,) = [text for text in axes.texts if "both would end here" in text.get_text()]
    highest = min(bar.get_y() for bar in axes.patches)
    assert text.get_position()[0] == 1.0
    assert text.get_position()[1] < highest


def test_bars_write_a_count_as_a_whole_number():
    assert "kept 9 visits, lost 0.50 visits" in repr(bars({"kept": 9, "lost": 0.5}, "visits"))


def test_bars_write_their_figures():
    text, pixels, _ = picture_of(bars({"one": 0.5, "eight": 4.0}, "s", "title", mark=2))
    assert text == "Bars: 2 values; measured: one 0.50 s, eight 4.00 s"
    assert pixels.shape[1] == 1760


def test_a_distribution_says_how_many_runs_had_which_result():
    text, pixels, _ = picture_of(
        distribution({"shared": [2, 4, 4], "in turn": [2, 2, 2]}, "requests", "title", best=2)
    )
    assert text == "Distribution: 2 kinds of runs; measured: shared: 1 x 2, 2 x 4; in turn: 3 x 2"
    assert pixels.shape[1] == 1760


def test_curves_write_their_points():
    lines = {"computing": {1: 46.2, 2: 84.0}, "awaiting": {1: 74.0, 2: 75.0}}
    text, pixels, _ = picture_of(curves(lines, "workers", "requests/s", "title", mark=(5, "5")))
    assert text == (
        "Curves: requests/s by workers; measured: computing: 46 at 1, 84 at 2; "
        "awaiting: 74 at 1, 75 at 2"
    )
    assert pixels.shape[1] == 1760


def drawn(lines, **more) -> Figure:
    figure = Figure()
    curves(lines, "workers", "requests/s", "title", **more).draw(figure)
    return figure


def test_several_curves_have_their_labels_behind_them_and_a_single_one_needs_none():
    lines = {"computing": {1: 46.2, 2: 84.0}, "awaiting": {1: 74.0, 2: 75.0}}
    (axes,) = drawn(lines).axes
    assert [text.get_text().strip() for text in axes.texts] == list(lines)
    (axes,) = drawn({"computing": lines["computing"]}).axes
    assert not axes.texts


def test_curves_in_panels_have_a_scale_of_their_own():
    lines = {"computing": {1: 4.0, 2: 8.0}, "awaiting": {1: 740.0, 2: 750.0}}
    panels = drawn(lines, panels=True, mark=(5, "5")).axes
    assert [axes.get_title() for axes in panels] == list(lines)
    assert [axes.get_ylim() for axes in panels] == [(0, 1.2 * 8), (0, 1.2 * 750)]
