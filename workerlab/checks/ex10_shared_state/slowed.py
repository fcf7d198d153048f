"""The reader's cell, imported so that it pauses before each of its lines and each call it makes.

Between reading and writing there is time for all the others then: an answer that loses updates
loses some in every run, not only when chance has it so.
"""

import sys
import threading
import time
from types import FrameType, ModuleType
from typing import Any

from workerlab.checks.import_cell import import_cell


def slowed_cell(name: str, pause: float) -> ModuleType:
    """The module `cell`, which has to have this name, with pauses of so many seconds."""
    cell = import_cell(name)
    file = cell.__file__

    def before_line(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            time.sleep(pause)
        return before_line

    def before_call(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename == file:
            return before_line
        if frame.f_back is not None and frame.f_back.f_code.co_filename == file:
            time.sleep(pause)
        return None

    threading.settrace(before_call)
    sys.settrace(before_call)
    return cell
