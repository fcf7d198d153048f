"""Importing the reader's cell in the process of a server, or giving up with a note in the log."""

import os
import threading
from importlib import import_module
from types import ModuleType

import fastapi  # noqa: F401  # so that on a busy machine too the time that counts is the cell's own

from workerlab.checks.patience import patience

LIMIT = 5.0  # seconds; the service of exercise 02 may keep an import waiting for three
NOT_READ = "the cell does not come to its end"
# The kit waits no longer then, even if children that the cell has started are still there.
FAILED = "startup failed"


def import_cell(*names: str) -> ModuleType:
    """The module `cell` of this folder, which has to have these names.

    Ends the process where the import does not end in time; raises what the import raises.
    """
    limit, is_read = patience(LIMIT), threading.Event()

    def give_up() -> None:
        if not is_read.wait(limit):
            print(NOT_READ, FAILED, sep="\n", flush=True)
            os._exit(1)

    threading.Thread(target=give_up, daemon=True).start()
    try:
        cell = import_module("cell")
        for name in names:
            getattr(cell, name)
    except BaseException:
        print(FAILED, flush=True)
        raise
    finally:
        is_read.set()
    return cell
