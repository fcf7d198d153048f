"""Each endpoint of the apps gets the right kind, or `could not tell`; never a wrong one."""

import ast
import json
from pathlib import Path

import pytest

from tests.report.serving import APPS, NAMES, app_of, reader_of, slow_server, try_all
from workerlab.report import kinds
from workerlab.report.inject.workerlab_watch import is_library
from workerlab.report.kinds import Kind, kind_of, line_of, names_of, traced_line
from workerlab.report.trying import Tried

NOTES = json.loads((Path(__file__).parent / "notes.json").read_text(encoding="utf-8"))
UNSEEN = 20  # of so many endpoints, one may get `could not tell`


def function_around(line: int, app: str) -> str:
    """The function of this app's file around this line, the innermost with a name."""
    tree = ast.parse((APPS / f"{app}.py").read_text(encoding="utf-8"))
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= line <= node.end_lineno
    ]
    return max(around, key=lambda node: node.lineno).name


def check_line(one: Tried, app: str) -> None:
    """The line lies in the function that did it, or is in a library, or is not named."""
    if one.kind.name == kinds.UNKNOWN:
        assert not one.kind.line
        return
    place, _, _ = one.kind.line.rpartition(" ")
    file, _, line = place.rpartition(":")
    by_name = one.endpoint.path.rpartition("/")[2].replace("-", "_")
    function = getattr(app_of(app), "DONE_IN", {}).get(one.endpoint.name, by_name)
    if function and place:
        assert Path(file) == APPS / f"{app}.py"
        assert function_around(int(line), app) == function
    else:
        assert not place or is_library(file)


def check_kind(one: Tried, expected: str) -> None:
    kind = one.kind
    if kind.name == kinds.UNKNOWN:
        assert kind.reason
    else:
        assert kind.name == expected
        assert not set(kind.names[1:]) & set(kinds.HOLDS_UP)


@pytest.mark.slow
def test_no_endpoint_gets_a_wrong_kind_or_line_and_few_get_none():
    unknown, total, wrong = [], 0, []
    with slow_server() as slow:
        for app in NAMES:
            expected = app_of(app).EXPECTED
            tried = {one.endpoint.name: one for one in try_all(reader_of(app, slow), app)}
            judged = {name for name, one in tried.items() if one.kind}
            assert judged == expected.keys(), {name: one.problem for name, one in tried.items()}
            for name in expected:
                one, total = tried[name], total + 1
                unknown += [name] * (one.kind.name == kinds.UNKNOWN)
                try:
                    check_kind(one, expected[name])
                    check_line(one, app)
                except AssertionError as error:
                    wrong.append((app, name, one.kind, one.notes, str(error)))
    assert not wrong
    assert len(unknown) * UNSEEN <= total, unknown


# On recorded notes: what the watch saw of some endpoints, idle and beside four busy loops


@pytest.mark.parametrize("recorded", NOTES, ids=lambda one: f"{one['endpoint']}, {one['machine']}")
def test_a_recorded_endpoint_keeps_its_kind(recorded):
    kind = kind_of(recorded["notes"])
    assert kind.name == recorded["kind"]
    assert not set(kind.names[1:]) & set(kinds.HOLDS_UP)


# An endpoint of each kind, for what follows.
EXAMPLES = {
    kinds.SHORT: "plain GET /quick",
    kinds.AWAITS: "plain GET /short-await",
    kinds.BLOCKS: "mix GET /program",
    kinds.COMPUTES: "plain GET /dumps-on-the-loop",
}


def recorded(kind: str) -> list[dict]:
    [notes] = [
        one["notes"]
        for one in NOTES
        if one["endpoint"] == EXAMPLES[kind] and one["machine"] == "idle"
    ]
    return notes


def test_requests_that_differ_tell_nothing():
    kind = kind_of([recorded(kinds.AWAITS)[0], recorded(kinds.BLOCKS)[0]])
    assert kind.name == kinds.UNKNOWN
    assert "differed" in kind.reason


def test_one_request_of_several_decides_nothing():
    blocked, quick = recorded(kinds.BLOCKS)[0], recorded(kinds.SHORT)
    assert kind_of([*quick[:2], blocked]).name == kinds.SHORT
    assert kind_of([quick[0], blocked]).name == kinds.UNKNOWN


def test_without_notes_or_without_the_sampler_nothing_is_told():
    assert kind_of([]).name == kinds.UNKNOWN
    notes = [{**note, "sampler_lives": False} for note in recorded(kinds.AWAITS)]
    assert kind_of(notes).name == kinds.UNKNOWN


def test_a_loop_that_stood_still_for_no_reason_that_was_seen_tells_nothing():
    note = recorded(kinds.BLOCKS)[0]
    unseen = [{**gap, "looks": 0, "on_loop": 0} for gap in note["gaps"]]
    with pytest.raises(kinds.CannotTell, match="stood still"):
        names_of({**note, "gaps": unseen})


def test_waiting_for_a_core_is_not_blocking():
    note = recorded(kinds.BLOCKS)[0]
    waiting = [{**gap, "waited": gap["seconds"]} for gap in note["gaps"]]
    with pytest.raises(kinds.CannotTell, match="busy"):
        names_of({**note, "gaps": waiting, "loop_waited": note["wall"]})


def test_where_waits_are_not_known_what_computes_is_not_said_to_block():
    note = recorded(kinds.COMPUTES)[0]
    slower = [
        {**gap, "seconds": 2 * gap["seconds"], "looks": 9, "on_loop": 9, "waited": 0.0}
        for gap in note["gaps"]
    ]
    slower_note = {**note, "wall": 2 * note["wall"], "gaps": slower, "waits_known": False}
    assert kinds.BLOCKS not in names_of(slower_note)


def test_threads_that_always_work_and_cannot_be_told_apart_tell_nothing():
    note = {**recorded(kinds.AWAITS)[0], "others_cpu": None}
    with pytest.raises(kinds.CannotTell, match="own work"):
        names_of(note)


def with_lines(kind: str, lines: dict[str, float]) -> list[dict]:
    where = "loop" if kind in (kinds.BLOCKS, kinds.COMPUTES) else "threads"
    return [{**note, "lines": {"loop": {}, "threads": {}, where: lines}} for note in recorded(kind)]


def test_the_line_is_the_most_seen_one_of_the_most_seen_function():
    seen = {"a.py:1 one": 0.05, "a.py:2 one": 0.04, "a.py:9 two": 0.06}
    assert line_of(with_lines(kinds.BLOCKS, seen), kinds.BLOCKS) == "a.py:1 one"


def test_a_line_that_was_seen_for_a_moment_is_not_named():
    assert line_of(with_lines(kinds.COMPUTES, {"a.py:1 one": 0.001}), kinds.COMPUTES) == ""


def test_of_a_traced_request_the_line_that_took_most_is_named_if_it_explains_the_time():
    note = recorded(kinds.COMPUTES)[0]
    cpu = kinds.cpu_of(note)
    most = {"a.py:1 one": 0.7 * cpu, "a.py:2 one": 0.1 * cpu}
    assert traced_line({**note, "traced": most}) == "a.py:1 one"
    assert traced_line({**note, "traced": {"a.py:1 one": 0.1 * cpu}}) == ""


def test_a_kind_holds_up_by_any_of_its_names():
    assert Kind([kinds.COMPUTES_IN_THREAD, kinds.BLOCKS]).holds_up
    assert not Kind([kinds.THREAD, kinds.AWAITS]).holds_up


def test_a_moment_in_a_long_request_tells_nothing():
    [note, *_] = recorded(kinds.AWAITS)
    gap = {"seconds": 0.06, "cpu": 0.05, "waited": 0.0, "looks": 1, "on_loop": 1}
    long = {**note, "wall": 8.0, "looks": 1500, "gaps": [{**gap, "sampler_waited": 0.0}]}
    assert kind_of([long]).reason == kinds.ONCE
    assert kind_of([{**long, "gaps": []}]).name == kinds.AWAITS
