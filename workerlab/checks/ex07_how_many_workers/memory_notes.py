"""What the processes of task 3 of exercise 07 write to their log while they start."""

import json
import os
import sys
import time
from typing import Any

import psutil

MARK = "workerlab-note "


def note(what: str, names: dict[str, Any] | None = None) -> None:
    """Write a line of JSON: which process, when, how many bytes are its own alone.

    With the names of a module, also the size in bytes and the type of the largest object there.
    """
    found = {"what": what, "pid": os.getpid(), "when": time.monotonic()}
    found["own"] = psutil.Process().memory_full_info().uss
    found["size"], found["type"] = max(map(_size, (names or {"": 0}).values()))
    # In one write, so that the lines of several processes do not mix.
    os.write(1, f"{MARK}{json.dumps(found)}\n".encode())


def _size(value: Any) -> tuple[int, str]:
    try:
        return sys.getsizeof(value), type(value).__name__
    except Exception:
        return 0, ""


def notes(log: str) -> list[dict[str, Any]]:
    """The notes in a log, in their order."""
    lines = [line.strip() for line in log.splitlines()]
    return [json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK)]
