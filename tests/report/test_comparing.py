"""Before and after."""

from pathlib import Path

from workerlab.report.client import Call
from workerlab.report.comparing import compare
from workerlab.report.endpoints import Endpoint
from workerlab.report.kinds import AWAITS, BLOCKS, Kind
from workerlab.report.report import Report
from workerlab.report.trying import Tried


def report(**kinds: tuple[str, float] | None) -> Report:
    tried = [
        Tried(Endpoint(f"/{name}", call=Call(f"/{name}")), kind and Kind([kind[0]], kind[1]))
        for name, kind in kinds.items()
    ]
    return Report("m:app", Path("/x"), {}, tried, [])


def test_what_has_changed():
    old = report(
        mended=(BLOCKS, 0.3),
        same=(AWAITS, 0.3),
        slower=(AWAITS, 0.1),
        chance=(AWAITS, 0.001),
        broken=(AWAITS, 0.1),
        gone=(AWAITS, 0.1),
    )
    new = report(
        mended=(AWAITS, 0.3),
        same=(AWAITS, 0.35),
        slower=(AWAITS, 0.2),
        chance=(AWAITS, 0.003),
        broken=None,
        new=(AWAITS, 0.1),
    )
    rows = compare(old.to_json(), new)
    assert rows[0] == ["verdict", old.verdict, new.verdict]
    assert rows[1:] == [
        ["GET /broken", "awaits, 0.10 s", "not tried"],
        ["GET /mended", "blocks the loop, 0.30 s", "awaits, 0.30 s"],
        ["GET /slower", "awaits, 0.10 s", "awaits, 0.20 s"],
    ]
