"""On PYTHONPATH in the slow tests: FastAPI is there when Gunicorn forks the course's app.

Most of what the breakages cost is workers, and most of what a worker's start costs is the import of
FastAPI. A master that has it hands it on to its workers, which import the app as ever. Then four of
them are ready with half the CPU time, and share that part of their memory. The lessons, exercises
and solutions run without this.

FastAPI also asks of every annotation whether it is a class of pydantic.v1, and imports that for the
question. Where it cannot be imported the answer is no: right for the apps here, which have none.
https://github.com/fastapi/fastapi/blob/0.165.0/fastapi/_compat/shared.py
"""

import os
import sys

sys.modules["pydantic.v1"] = None  # importing it raises ModuleNotFoundError

words = [os.path.basename(word) for word in sys.orig_argv]
if "gunicorn" in words and "app.main:app" in words:
    import fastapi  # noqa: F401
