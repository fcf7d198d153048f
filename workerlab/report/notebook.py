"""The report's parts one at a time, as lesson 13 uses them."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from workerlab.report import endpoints, findings
from workerlab.report.app import one_worker, running
from workerlab.report.environment import look_at
from workerlab.report.experiments import EXPERIMENTS, Context, capacity
from workerlab.report.findings import Finding
from workerlab.report.reader import Reader
from workerlab.report.report import row_of
from workerlab.report.trying import Tried, try_endpoint
from workerlab.status import status, steps


class App:
    """An ASGI app that knows nothing of the course.

        app = App("my_app.main:app", folder="~/src/my_app", python=".venv/bin/python")

    `target` is what you give to Uvicorn; `folder` is where you start it; `python` is the one of the
    app's own environment, this kernel's by default. Raises CannotRun if one of them is not there.

    `tried` holds what came of the endpoints that were tried last.
    """

    def __init__(self, target: str, folder: str | Path, python: str | Path | None = None) -> None:
        folder = Path(folder).expanduser()
        python = Path(python).expanduser() if python else Path(sys.executable)
        self.reader = Reader(look_at(folder / python), folder.absolute(), target)
        self.tried: list[Tried] = []
        self._description: dict[str, Any] = {}

    def try_endpoints(self, *paths: str) -> list[Tried]:
        """Ask each endpoint some times, alone in one worker, with a ping beside it.

        `paths` such as "/items?limit=5" name them; without any, the app's GETs are tried.
        """
        calls = [endpoints.call_of(path) for path in paths]
        with running(self.reader, one_worker(self.reader)) as app:
            self._description = app.description()
            found = endpoints.find(self._description, calls)[: len(calls) or None]
            asked = [one for one in found if one.call is not None]
            self.tried = [try_endpoint(app, one) for one in steps(asked, "trying endpoints")]
        return self.tried

    def rows(self) -> list[list[str]]:
        """Of each endpoint that was tried: its name, what it does, how long it took, for how long
        it held its worker up, the ping beside it, and the line. Or its name, and why not."""
        return [row_of(one, self.reader.folder) for one in self.tried]

    def advice(self) -> list[Finding]:
        """What the report says of the endpoints that were tried, the heaviest first."""
        return findings.sort(findings.of_endpoints(self.tried, self.reader.folder))

    def capacity_of(self, *tried: Tried) -> list[Finding]:
        """How many requests a second one worker answers of each of these endpoints."""

        def grow_each() -> list[Finding]:
            with running(self.reader, one_worker(self.reader)) as app:
                return [capacity.grow(app, one) for one in tried]

        return outside_the_loop("what one worker can take", grow_each)

    def find(self, experiment: str) -> list[Finding]:
        """What an experiment on the app as a whole finds, on the endpoints that were tried.

        `experiment` is a name in EXPERIMENTS. Raises CannotRun with the reason if it finds nothing.
        """
        context = Context(self.reader, self._description, self.tried)
        return outside_the_loop(experiment, lambda: EXPERIMENTS[experiment](context))


def outside_the_loop(name: str, work: Callable[[], list[Finding]]) -> list[Finding]:
    """Run `work` in a thread: experiments have an event loop, and a notebook has one already."""
    with status(name), ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()
