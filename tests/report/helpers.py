"""Running `./learn report` in this process, on a small app that the test writes."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from workerlab.course.cli import build_parser
from workerlab.report import command, making


@dataclass
class Outcome:
    """The exit status, the JSON on standard output, what standard error said."""

    status: int
    told: dict[str, Any]
    stderr: str

    @property
    def kinds(self) -> dict[str, str | None]:
        """By endpoint, such as "GET /x": what it was called, or why it was not tried."""
        return {
            f"{one['method']} {one['path']}": one["kind"] or one["not_tried"]
            for one in self.told["endpoints"]
        }


@dataclass
class Runner:
    """Runs the command in `folder`; no experiments on the app as a whole, unless named."""

    folder: Path
    capsys: pytest.CaptureFixture
    monkeypatch: pytest.MonkeyPatch

    def write(self, source: str, name: str = "m.py") -> None:
        (self.folder / name).write_text(source)

    def __call__(self, *arguments: str, experiments: tuple[str, ...] = ()) -> Outcome:
        chosen = {name: making.EXPERIMENTS[name] for name in experiments}
        self.monkeypatch.setattr(making, "EXPERIMENTS", chosen)
        before, others = files_of(self.folder), children()
        temporary = Path(tempfile.mkdtemp(prefix="workerlab-test-"))
        self.monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        self.monkeypatch.setenv("TMPDIR", str(temporary))
        folder = ["--dir", str(self.folder)]
        options = build_parser().parse_args(["report", *arguments, *folder, "--yes", "--json"])
        status = command.run(options)
        out, err = self.capsys.readouterr()
        assert not children() - others, "a process is left"
        assert files_of(self.folder) == before, "a file is left in the app's folder"
        temporary.rmdir()  # which fails if a file is left there
        self.monkeypatch.setattr(tempfile, "tempdir", None)
        self.monkeypatch.delenv("TMPDIR")
        return Outcome(status, json.loads(out), err)


def children() -> set[psutil.Process]:
    """The live descendants of this process; other tests may have some."""
    return set(psutil.Process().children(recursive=True))


def files_of(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
