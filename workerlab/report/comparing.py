"""Before and after: this report beside an older one's JSON."""

import json
from pathlib import Path

from workerlab.report.environment import CannotRun
from workerlab.report.findings import milliseconds
from workerlab.report.report import FORM, Report


def read_old(path: Path) -> dict:
    """An older report's JSON. Raises CannotRun if it is none."""
    try:
        old = json.loads(path.expanduser().read_text(encoding="utf-8"))
        if old["form"] != FORM or "endpoints" not in old:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise CannotRun(f"{path} is no JSON of ./learn report --json.") from None
    return old


def compare(old: dict, report: Report) -> list[list[str]]:
    """A row for each endpoint whose kind has changed, or whose time has by a half at least."""
    before = {(one["method"], one["path"]): one for one in old["endpoints"]}
    rows = []
    for one in report.to_json()["endpoints"]:
        was = before.get((one["method"], one["path"]))
        if was is None or not (was.get("kind") and one["kind"]):
            continue
        ratio = (one["seconds"] + 0.005) / (was["seconds"] + 0.005)
        if was["kind"] != one["kind"] or not 0.67 < ratio < 1.5:
            rows.append([f"{one['method']} {one['path']}", told(was), told(one)])
    return rows or [["all", "the same", "the same"]]


def told(one: dict) -> str:
    return f"{one['kind']}, {milliseconds(one['seconds'])}"
