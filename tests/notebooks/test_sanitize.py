"""The sanitising file may hide a pid, a port or a figure, but never a verdict."""

from pathlib import Path

import nbformat
import pytest

from tests.nbval_adapter import ALLOWED, clean, is_allowed
from workerlab.checks.verdicts import COULD_NOT_CHECK, NOT_ATTEMPTED, RIGHT, WRONG
from workerlab.claims import DID_NOT_HOLD, HELD, NOT_MEASURABLE
from workerlab.server import ROOT

VERDICTS = [HELD, DID_NOT_HOLD, NOT_MEASURABLE, NOT_ATTEMPTED, WRONG, RIGHT, COULD_NOT_CHECK]
NOTEBOOKS = sorted(
    p for f in ("lessons", "exercises", "solutions") for p in ROOT.glob(f"{f}/*.ipynb")
)


def test_what_is_hidden():
    assert clean("  measured: 0.52 s\nnext") == "  measured: FIGURES\nnext"
    assert clean("cores found: 2") == "cores found: THIS MACHINE"
    assert clean("ready at http://127.0.0.1:4711 (pid 12)") == (
        "ready at http://127.0.0.1:PORT (pid PID)"
    )


def test_a_verdict_is_never_hidden():
    held, not_held = (f"{v}: four at once\n  measured: 4\n" for v in (HELD, DID_NOT_HOLD))
    assert clean(held) != clean(not_held)
    for verdict in VERDICTS:
        assert clean(f"{verdict}: 4 at once, pid 12") == f"{verdict}: 4 at once, pid PID"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_stored_verdict_stands_where_it_would_be_hidden(path: Path):
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
            for verdict in VERDICTS:
                assert text.count(verdict) == clean(text).count(verdict), cell.id


def test_only_listed_skips_are_allowed():
    allowed = "# comment\ndarwin: one socket\n*: two cores\n"
    assert is_allowed(f"{NOT_MEASURABLE}: one socket", "darwin", allowed)
    assert not is_allowed(f"{NOT_MEASURABLE}: one socket", "linux", allowed)
    assert is_allowed(f"{NOT_MEASURABLE}: two cores", "linux", allowed)
    assert not is_allowed(f"{NOT_MEASURABLE}: three cores", "linux", allowed)


def test_every_allowed_skip_is_a_sentence_of_some_notebook():
    sources = "".join(path.read_text() for path in NOTEBOOKS)
    for line in ALLOWED.read_text().splitlines():
        if line and not line.startswith("#"):
            assert line.partition(": ")[2] in sources, line
