"""On PYTHONPATH in the slow tests, whose thousands of workers start with less CPU time so.

FastAPI asks of every annotation whether it is a class of pydantic.v1, and imports that for the
question. Where it cannot be imported the answer is no: right for the apps here, which have none.
https://github.com/fastapi/fastapi/blob/0.165.0/fastapi/_compat/shared.py

In the breakages a Gunicorn's master also imports FastAPI, and hands it on to its workers, which
import the app as ever: four of them are ready with half the CPU time, and share that part of their
memory. The lessons, exercises and solutions run without either.
"""

import os
import sys

sys.modules["pydantic.v1"] = None  # importing it raises ModuleNotFoundError

if "WORKERLAB_EARLY_FASTAPI" in os.environ:
    words = {os.path.basename(word) for word in sys.orig_argv}
    # The app of lesson 11's trials does without FastAPI. Where a file sets the number of workers,
    # the kit doesn't know it, and Gunicorn forks them up to 0.1 s apart: the first shall not be
    # ready before the last is there.
    if "gunicorn" in words and not words & {"served:app", "-c"}:
        import fastapi  # noqa: F401
