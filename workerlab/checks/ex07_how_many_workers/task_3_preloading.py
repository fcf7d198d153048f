"""Exercise 07, task 3: share data between processes, and keep it shared."""

import itertools
import pickle
import sys
from array import array
from typing import Any

import psutil

from workerlab.checks.command import served
from workerlab.checks.config import FILE, no_such_setting, settings_of, written
from workerlab.checks.patience import patience
from workerlab.checks.runner import run_coroutine
from workerlab.checks.verdicts import Refused, Verdict, asked_anew, could_not_check, right, wrong
from workerlab.load import burst

FORM = 2
HINTS = [
    "Which setting makes the master import the app before it starts workers?",
    "What does Python write into an object it only looks at? Which types hold plain numbers?",
    "preload_app = True, and array('d', [1.0]) * 5_000_000: five million numbers of 8 bytes.",
]
LEAST, MOST = 20_000_000, 80_000_000  # bytes of data
LOST = 0.2  # of the data; of a list of floats, three quarters are copied
COMMAND = (
    f"gunicorn workerlab.checks.ex07_how_many_workers.data_app:app -c {FILE} --workers 1"
    " --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)
NOT_REPORTED = (  # its claim is named in tests/allowed_skips.txt
    "this system does not report which part of its memory a process shares, as Linux does\n"
    "○ not measurable here: preloaded data stays shared after a worker has read it"
)


def check(answer: Any) -> Verdict:
    """Look at the size of the data, serve it, and measure the worker's own memory."""
    setting, data = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    if hasattr(data, "routes"):
        return asked_anew("07")
    size = size_of(data)
    with written(setting) as folder:
        file = folder / "data.pickle"
        file.write_bytes(pickled(data, size))
        if not settings_of(folder)["preload_app"]:
            return no_such_setting(setting, ran=setting) or wrong(
                "not-preloaded",
                "With this line, each worker imports the app for itself, after the fork.",
                "Which setting makes the master import the app first?",
                ran=setting,
            )
        if not hasattr(psutil.Process().memory_full_info(), "pss"):
            return could_not_check(NOT_REPORTED)
        with served(COMMAND, cwd=folder, env={"WORKERLAB_DATA": str(file)}) as server:
            worker = psutil.Process(server.workers[0])
            before = worker.memory_full_info().uss
            reply = run_coroutine(burst(f"{server.url}/read", timeout=patience(6.0))).records[0]
            if reply.status is None:
                return could_not_check("/read was not answered in time; run the cell again")
            if reply.status != 200:
                return not_numbers(f"/read: status {reply.status}")
            after = worker.memory_full_info().uss
    details = {
        "ran": "the check's app with your setting and your data\nGET /read",
        "came_back": f"{size / 1e6:.0f} MB of data; the worker's own memory: "
        f"{before / 1e6:.0f} MB before /read, {after / 1e6:.0f} MB after it",
    }
    if after - before < LOST * size:
        return right("your data stays shared after the worker has read it.", **details)
    return wrong(
        "reference-counts",
        "/read only looks at your data, and yet the worker gets its own copy of the memory.",
        "Where is an object's reference count stored? Which types hold numbers without objects?",
        **details,
        expected="about as much after /read as before",
    )


def size_of(data: Any) -> int:
    """Bytes, with each object in a container once. Stops counting where it is more than MOST."""
    size, seen = max(sys.getsizeof(data), getattr(data, "nbytes", 0)), set()
    for part in data if isinstance(data, list | tuple | set | frozenset | dict) else ():
        if size > MOST:
            break
        if id(part) not in seen:
            seen.add(id(part))
            size += sys.getsizeof(part)
    return size


def pickled(data: Any, size: int) -> bytes:
    """The data and None; or the distinct objects of a list or tuple, and which is at each place:
    pickle itself would make a new object of a number for each place.

    Raises Refused where the data is not about 40 MB of numbers, or cannot be pickled.
    """
    if not LEAST <= size <= MOST:
        raise Refused(
            wrong(
                "not-about-40-mb",
                "Your data is too small or too large, so it was not served.",
                "How many bytes does one number take, and the object that holds it?",
                came_back=f"{type(data).__name__}: {size / 1e6:.3g} MB"
                + " or more" * (size > MOST),
                expected="20 to 80 MB",
            )
        )
    try:
        float(sum(itertools.islice(data, 100)))
        if type(data) not in (list, tuple):
            return pickle.dumps((data, None))
        distinct = {id(part): part for part in data}
        place = dict(zip(distinct, itertools.count(), strict=False))
        places = array("I", map(place.__getitem__, map(id, data)))
        return pickle.dumps((type(data)(distinct.values()), places))
    except Exception as error:
        raise Refused(not_numbers(f"{type(error).__name__}: {error}")) from None


def not_numbers(came_back: str) -> Verdict:
    """The verdict on data that has no sum, or that exists in one process only."""
    return wrong(
        "not-numbers",
        "Your data is not a collection of numbers that can be summed and pickled.",
        "What do sum(data) and pickle.dumps(data) return in a cell?",
        came_back=came_back,
    )
