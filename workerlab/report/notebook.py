"""The report's parts one at a time, as lesson 13 uses them."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workerlab.report import endpoints, findings
from workerlab.report.app import one_worker, running
from workerlab.report.environment import look_at
from workerlab.report.experiments import EXPERIMENTS, Context
from workerlab.report.findings import Finding
from workerlab.report.reader import Reader
from workerlab.report.trying import Tried, try_endpoint
from workerlab.status import status, steps


class App:
    """An ASGI app that knows nothing of the course.

        app = App("my_app.main:app", folder="~/src/my_app", python=".venv/bin/python")

    `target` is what you give to Uvicorn; `folder` is where you start it; `python` is the one of the
    app's own environment, this kernel's by default. Raises CannotRun if one of them is not there.
    """

    def __init__(self, target: str, folder: str | Path, python: str | Path | None = None) -> None:
        folder = Path(folder).expanduser()
        python = Path(python).expanduser() if python else Path(sys.executable)
        self.reader = Reader(look_at(folder / python), folder.absolute(), target)
        self._context = Context(self.reader, {}, [])

    def try_endpoints(self, *paths: str) -> list[Tried]:
        """Ask each endpoint some times, alone in one worker, with a ping beside it.

        `paths` such as "/items?limit=5" name them; without any, the app's GETs are tried.
        """
        calls = [endpoints.call_of(path) for path in paths]
        with running(self.reader, one_worker(self.reader)) as app:
            description = app.description()
            found = endpoints.find(description, calls)[: len(calls) or None]
            asked = [one for one in found if one.call is not None]
            tried = [try_endpoint(app, one) for one in steps(asked, "trying endpoints")]
        self._context = Context(self.reader, description, tried)
        return tried

    def find(self, experiment: str) -> list[Finding]:
        """What an experiment on the app as a whole finds, on the endpoints that were tried.

        `experiment` is a name in EXPERIMENTS. Raises CannotRun with the reason if it finds nothing.
        """
        # In a thread of its own: experiments have an event loop, and a notebook has one already.
        with status(experiment), ThreadPoolExecutor(1) as thread:
            return thread.submit(EXPERIMENTS[experiment], self._context).result()

    def advice(self) -> list[Finding]:
        """What the report says of the endpoints that were tried, the heaviest first."""
        return findings.sort(findings.of_endpoints(self._context.tried, self.reader.folder))
