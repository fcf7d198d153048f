"""The reader's cell in a worker, slowed: it pauses before each of its lines and each call it makes.

Between reading and writing there is time for all the others then: an answer that loses updates
loses some in every run, not only when chance has it so. The app is the cell's. If it has a
`may_run` instead, the check calls that through the Unix socket PID.sock: it sends the number of a
period, and gets what the function returned, or a text if that is no truth value.
"""

import asyncio
import inspect
import itertools
import os
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Listener
from types import FrameType
from typing import Any

from fastapi import FastAPI

from workerlab.checks.import_cell import import_cell

cell = import_cell()
PAUSE = 0.01 if hasattr(cell, "may_run") else 0.0005  # seconds
MOST_PAUSES = 30  # in one call of may_run: however long it is, it returns in time
pauses = itertools.count()


def _pause() -> None:
    if not hasattr(cell, "may_run") or next(pauses) < MOST_PAUSES:
        time.sleep(PAUSE)


def _before_line(frame: FrameType, event: str, argument: Any) -> Any:
    if event == "line":
        _pause()
    return _before_line


def _before_call(frame: FrameType, event: str, argument: Any) -> Any:
    if frame.f_code.co_filename == cell.__file__:
        return _before_line
    if frame.f_back is not None and frame.f_back.f_code.co_filename == cell.__file__:
        _pause()
    return None


def _called(period: int) -> bool | str:
    global pauses
    pauses = itertools.count()
    try:
        result = cell.may_run(period)
        result = asyncio.run(result) if inspect.iscoroutine(result) else result
    except BaseException as error:  # sys.exit() too, which would end this thread
        return f"raised {type(error).__name__}: {error}"
    return result if isinstance(result, bool) else f"returned {result!r:.50}"


def _listen(listener: Listener) -> None:
    while True:
        with listener.accept() as connection, suppress(EOFError):
            while True:
                connection.send(_called(connection.recv()))


threading.settrace(_before_call)
sys.settrace(_before_call)
if hasattr(cell, "may_run"):
    app = FastAPI()
    threading.Thread(target=_listen, args=[Listener(f"{os.getpid()}.sock")], daemon=True).start()
else:
    app = cell.app
