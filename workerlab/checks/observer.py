"""What a server saw of each request, whoever sent it, as a Run."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workerlab.checks.command import launched
from workerlab.checks.runner import LISTEN_TO
from workerlab.probe import OBSERVE, REPORT_TO
from workerlab.records import Record, Run
from workerlab.reports import Pipe, reports
from workerlab.server import Server


class Observer:
    """A server whose requests are seen from inside, also those of other clients than the kit's.

    `caller_env` is for the process that runs the reader's client: with it, the kit's own `burst`
    there learns when a handler begins.
    """

    def __init__(self, server: Server, token: str, caller_env: dict[str, str]) -> None:
        self.server = server
        self.caller_env = caller_env
        self._token = token

    @property
    def url(self) -> str:
        return self.server.url

    def run(self, path: str | None = None) -> Run:
        """The requests that have reached a worker, all or those for this path, as they are now.

        The client is not known: `sent` is when the request reached the app, `received` when its
        reply was complete, infinitely late if it is not. `id` begins with the client's port.
        """
        return Run([one for one in self._records() if path in (None, one.url.partition("?")[0])])

    def _records(self) -> list[Record]:
        records = []
        for name, moments in reports.observed(self._token).items():
            if "reached" not in moments:
                continue
            record = Record(id=name.partition(":")[2], url=moments["reached"][2])
            record.join(moments)
            record.sent, record.received = record.reached or 0.0, float("inf")
            if "replied" in moments:
                _, record.received, status = moments["replied"]
                record.status = int(status)
            records.append(record)
        return records


@contextmanager
def observed(command: str, name: str = "check", **options: Any) -> Iterator[Observer]:
    """A server of the check's own, with the options of Server, and what it sees; then it is killed.

    Raises Refused, to say that it could not be checked, where the server does not come up.
    """
    token = uuid.uuid4().hex
    with _pipe() as caller:
        env = {**options.pop("env", {}), OBSERVE: token, REPORT_TO: str(caller)}
        with launched(command, name, env=env, probe=True, **options) as server:
            yield Observer(server, token, {LISTEN_TO: str(caller)})


@contextmanager
def _pipe() -> Iterator[Path]:
    """A named pipe in which the workers' reports wait for another process."""
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        path = Path(folder, "reports")
        pipe = Pipe(path)
        try:
            yield path
        finally:
            pipe.close()
