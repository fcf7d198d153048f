"""On PYTHONPATH in the slow tests, whose thousands of workers start with less CPU time so.

FastAPI asks of every annotation whether it is a class of pydantic.v1, and imports that for the
question. Where it cannot be imported the answer is no: right for the apps here, which have none.
https://github.com/fastapi/fastapi/blob/0.165.0/fastapi/_compat/shared.py

A fifth of FastAPI's import goes into validators for the parts of an OpenAPI document. They are made
when they are wanted instead, which is when somebody asks for /openapi.json.
https://github.com/fastapi/fastapi/blob/0.165.0/fastapi/openapi/models.py

In the breakages a Gunicorn's master also imports FastAPI, and hands it on to its workers, which
import the app as ever: four of them are ready with half the CPU time, and share that part of their
memory. The lessons, exercises and solutions run without any of this.
"""

import os
import sys
from importlib.machinery import PathFinder, SourceFileLoader

sys.modules["pydantic.v1"] = None  # importing it raises ModuleNotFoundError


class OpenAPIModels(PathFinder):
    """Finds fastapi.openapi.models, and loads it with Pydantic's `defer_build` for all of it."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname != "fastapi.openapi.models":
            return None
        spec = super().find_spec(fullname, path, target)
        spec.loader = Deferring(fullname, spec.origin)
        return spec


class Deferring(SourceFileLoader):
    def exec_module(self, module):
        from pydantic import BaseModel
        from pydantic._internal._config import config_defaults

        rebuild = BaseModel.__dict__["model_rebuild"]
        config_defaults["defer_build"] = True
        BaseModel.model_rebuild = classmethod(lambda cls: None)
        try:
            super().exec_module(module)
        finally:
            config_defaults["defer_build"] = False
            BaseModel.model_rebuild = rebuild


sys.meta_path.insert(0, OpenAPIModels)

if "WORKERLAB_EARLY_FASTAPI" in os.environ:
    words = {os.path.basename(word) for word in sys.orig_argv}
    # The app of lesson 11's trials does without FastAPI. Where a file sets the number of workers,
    # the kit doesn't know it, and Gunicorn forks them up to 0.1 s apart: the first shall not be
    # ready before the last is there.
    if "gunicorn" in words and not words & {"served:app", "-c"}:
        import fastapi  # noqa: F401
