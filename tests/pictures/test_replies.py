import io

import matplotlib.image
import pytest
from matplotlib.figure import Figure

from workerlab.pictures.replies import replies
from workerlab.records import NotKnown, Record, Run

VERMILION = (0xD5 / 255, 0x5E / 255, 0x00 / 255)


def answered(version: int, received: float) -> Record:
    return Record(sent=received - 0.1, received=received, status=200, reply={"version": version})


def lost(received: float) -> Record:
    return Record(sent=received - 0.1, received=received, error="gone")


def a_deploy(*more: Record) -> Run:
    replied = [answered(1, 10.1), answered(1, 10.2), answered(2, 12.7), answered(2, 12.8)]
    return Run([*replied, *more])


def test_it_says_how_many_each_version_answered_and_how_long_nobody_did():
    picture = replies({"rolling": a_deploy(), "cold": a_deploy(lost(11.0))})
    assert picture.text == (
        "Replies of 2 servers; measured: rolling: 2 of version 1, 2 of version 2, longest time "
        "without a reply 2.50 s, 0 lost; cold: 2 of version 1, 2 of version 2, longest time "
        "without a reply 2.50 s, 1 lost"
    )


def test_replies_count_in_the_order_in_which_they_came():
    late = Record(sent=10.0, received=12.75, status=200, reply={"version": 1})
    picture = replies({"one": a_deploy(late)})
    assert picture.gaps["one"] == (10.2, 12.7)
    assert picture.versions["one"] == {1: [10.1, 10.2, 12.75], 2: [12.7, 12.8]}


def test_times_and_marks_count_from_the_first_request():
    picture = replies({"one": a_deploy()}, marks={"HUP": 11.0})
    assert picture.start == 10.0 and picture.marks == {"HUP": 1.0}


def test_each_version_has_a_lane_and_the_marks_their_text():
    figure = Figure()
    replies({"a": a_deploy(), "b": a_deploy()}, "title", {"HUP": 11.0}).draw(figure)
    (axes,) = figure.axes
    lanes = [label.get_text() for label in axes.get_yticklabels()]
    assert lanes == ["version 1", "version 2"] * 2
    assert " HUP" in [text.get_text() for text in axes.texts]


def test_a_lost_request_is_marked_in_the_colour_of_failure():
    def has_failure(run: Run) -> bool:
        pixels = matplotlib.image.imread(io.BytesIO(replies({"one": run}).png()))
        return (abs(pixels[..., :3] - VERMILION).max(axis=-1) < 0.02).any()

    assert not has_failure(a_deploy())
    assert has_failure(a_deploy(lost(11.0)))


def test_no_time_between_replies_is_not_zero():
    with pytest.raises(NotKnown, match="cold has fewer than two replies"):
        replies({"cold": Run([answered(1, 10.1), lost(11.0)])})
