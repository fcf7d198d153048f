"""Before and after: this report beside an older one's JSON."""

import json
from pathlib import Path

from workerlab.report.environment import CannotRun
from workerlab.report.findings import milliseconds
from workerlab.report.report import FORM, Report

MUCH = 1.5  # times as long, or as short
LEAST = 0.005  # seconds, added to both: two quick answers differ by chance


def read_old(path: Path) -> dict:
    """An older report's JSON. Raises CannotRun if it is none."""
    try:
        old = json.loads(path.expanduser().read_text(encoding="utf-8"))
        if old["form"] != FORM:
            raise ValueError
        by_name(old)  # what `compare` reads is there
        str(old["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CannotRun(f"{path} is no JSON of ./learn report --json.") from None
    return old


def compare(old: dict, report: Report) -> list[list[str]]:
    """A row for the verdict, and for each endpoint that has changed.

    That is one whose kind is different, or whose time by a half at least.
    """
    new = report.to_json()
    before, after = by_name(old), by_name(new)
    rows = [["verdict", old["verdict"], new["verdict"]]]
    for name in after.keys() & before.keys():
        if has_changed(before[name], after[name]):
            rows.append([name, told(before[name]), told(after[name])])
    return [rows[0], *sorted(rows[1:])]


def by_name(told_by: dict) -> dict[str, tuple[str | None, float]]:
    """Of each endpoint in a report's JSON: its kind, None if not tried, and its seconds."""
    return {
        f"{one['method']} {one['path']}": (one["kind"], float(one["seconds"] if one["kind"] else 0))
        for one in told_by["endpoints"]
    }


def has_changed(was: tuple[str | None, float], now: tuple[str | None, float]) -> bool:
    ratio = (now[1] + LEAST) / (was[1] + LEAST)
    return was[0] != now[0] or not 1 / MUCH < ratio < MUCH


def told(one: tuple[str | None, float]) -> str:
    kind, seconds = one
    return f"{kind}, {milliseconds(seconds)}" if kind else "not tried"
