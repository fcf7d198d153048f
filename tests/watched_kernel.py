"""A kernel as a notebook has it that somebody looks at: it shows progress and live pictures."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel


class Told(NamedTuple):
    """A message for the output of a cell: seconds after its start, kind, content."""

    after: float
    kind: str
    content: dict[str, Any]


class WatchedKernel:
    """Runs cells, one at a time. `manager` is jupyter_client's, to interrupt it for instance."""

    def __init__(self, manager: Any, client: BlockingKernelClient) -> None:
        self.manager = manager
        self._client = client

    def run(self, code: str, at_each: Callable[[Told], None] = lambda told: None) -> list[Told]:
        """All that a cell sends to its output; `at_each` is called as each message comes."""
        found: list[Told] = []
        began = time.monotonic()

        def keep(message: dict[str, Any]) -> None:
            if message["msg_type"] not in ("status", "execute_input"):
                found.append(
                    Told(time.monotonic() - began, message["msg_type"], message["content"])
                )
                at_each(found[-1])

        self._client.execute_interactive(code, output_hook=keep, timeout=60)
        return found


@contextlib.contextmanager
def watched_kernel() -> Iterator[WatchedKernel]:
    # Under pytest the kit shows neither progress nor live pictures.
    env = {name: os.environ[name] for name in os.environ if name != "PYTEST_CURRENT_TEST"}
    manager, client = start_new_kernel(env=env)
    try:
        yield WatchedKernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
