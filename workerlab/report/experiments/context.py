"""What an experiment is given."""

from dataclasses import dataclass, field
from typing import Any

from workerlab.report.reader import Reader
from workerlab.report.trying import Tried


@dataclass
class Context:
    """The reader's app, what the watch says of it, what came of its endpoints.

    `unknown` collects what could not be found out, and why. `kills`: killing workers is allowed.
    `worker_megabytes` is known once a worker has been weighed.
    """

    reader: Reader
    description: dict[str, Any]
    tried: list[Tried]
    kills: bool = True
    worker_megabytes: float | None = None
    unknown: list[tuple[str, str]] = field(default_factory=list)

    @property
    def judged(self) -> list[Tried]:
        return [one for one in self.tried if one.kind is not None and one.kind.requests]
