"""The report itself, before it becomes a page: what was tried, what was found."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workerlab.report.findings import Finding, milliseconds, place_of, sort, verdict
from workerlab.report.trying import Tried

FORM = 1  # of the JSON; --compare reads no other


@dataclass
class Report:
    """All that goes to a page. `unknown`: what could not be found out, and why."""

    app: str
    folder: Path
    versions: dict[str, str]
    endpoints: list[Tried]
    findings: list[Finding]
    remarks: list[str] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    made: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M"))
    compared: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.findings = sort(self.findings)

    @property
    def judged(self) -> list[Tried]:
        return [one for one in self.endpoints if one.kind is not None]

    @property
    def verdict(self) -> str:
        return verdict(self.findings, len(self.judged))

    @property
    def is_serious(self) -> bool:
        return any(finding.weight == "serious" for finding in self.findings)

    def rows(self) -> list[list[str]]:
        """The table of endpoints: name, what it does, how long, held up, ping, where."""
        return [row_of(one, self.folder) for one in self.endpoints]

    def to_json(self) -> dict[str, Any]:
        return {
            "form": FORM,
            "app": self.app,
            "made": self.made,
            "seconds": round(self.seconds, 1),
            "versions": self.versions,
            "verdict": self.verdict,
            "serious": self.is_serious,
            "endpoints": [endpoint_as_json(one, self.folder) for one in self.endpoints],
            "findings": [
                {
                    "key": finding.key,
                    "weight": finding.weight,
                    "title": finding.title,
                    "done": finding.done,
                    "seen": finding.seen,
                    "do": finding.do,
                    "lesson": finding.lesson,
                    "figures": finding.figures,
                }
                for finding in self.findings
            ],
            "remarks": self.remarks,
            "compared": self.compared,
            "not_known": [{"what": what, "why": why} for what, why in self.unknown],
        }


def row_of(tried: Tried, folder: Path) -> list[str]:
    kind = tried.kind
    if kind is None:
        return [tried.endpoint.name, tried.problem or tried.endpoint.why_not, "", "", "", ""]
    names = ", ".join(kind.names) + (" (streams on)" if tried.is_streaming else "")
    ping = "" if tried.ping is None else milliseconds(tried.ping)
    figures = [milliseconds(kind.wall), milliseconds(kind.held_up), ping]
    return [tried.endpoint.name, names, *figures, place_of(tried, folder)]


def endpoint_as_json(tried: Tried, folder: Path) -> dict[str, Any]:
    kind = tried.kind
    told: dict[str, Any] = {
        "method": tried.endpoint.method,
        "path": tried.endpoint.path,
        "status": tried.status,
        "kind": kind.name if kind else None,
        "not_tried": None if kind else tried.problem or tried.endpoint.why_not,
    }
    if kind is not None:
        told |= {
            "also": kind.names[1:],
            "seconds": round(kind.wall, 4),
            "held_up_seconds": round(kind.held_up, 4),
            "cpu_seconds": round(kind.cpu, 4),
            "ping_seconds": None if tried.ping is None else round(tried.ping, 4),
            "where": place_of(tried, folder),
            "requests": kind.requests,
            "reason": kind.reason or None,
        }
    return told
