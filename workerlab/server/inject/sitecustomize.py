"""Puts the probe around whatever app a server loads: for `Server(..., probe=True)`.

With this folder on PYTHONPATH, every Python process of the command imports this module when it
starts, before its own program (https://docs.python.org/3/library/site.html). It changes nothing but
what Uvicorn, or Gunicorn's own ASGI worker, has loaded as the app. So the command stays as typed,
and so do the app's files. UvicornWorker loads its app as Uvicorn does.

Standard library only, and nothing newer than Python 3.8: it runs in the environment of the app.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "probe.py")


def probe():
    """The module `workerlab.probe`, from its file: the package need not be installed there."""
    name = "workerlab.probe"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, PROBE)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # an app that imports it gets this one
        spec.loader.exec_module(module)
    return sys.modules[name]


def patch_uvicorn(module):
    load = module.Config.load

    def load_with_probe(self):
        load(self)
        if probe().follow_environment():
            self.loaded_app = probe().ReportingMiddleware(self.loaded_app)

    module.Config.load = load_with_probe


def patch_gunicorn(module):
    load = module.ASGIWorker.load_wsgi

    def load_with_probe(self):
        load(self)
        if probe().follow_environment():
            self.asgi = probe().ReportingMiddleware(self.asgi)

    module.ASGIWorker.load_wsgi = load_with_probe


PATCHES = {"uvicorn.config": patch_uvicorn, "gunicorn.workers.gasgi": patch_gunicorn}


class Finder(importlib.abc.MetaPathFinder):
    """Has a module of PATCHES changed when it has been imported."""

    def find_spec(self, name, path=None, target=None):
        if name not in PATCHES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            execute, patch = spec.loader.exec_module, PATCHES[name]

            def execute_and_patch(module):
                execute(module)
                patch(module)

            spec.loader.exec_module = execute_and_patch
        return spec


sys.meta_path.insert(0, Finder())

# Ours hides a sitecustomize of the environment's own.
_others = [folder for folder in sys.path if os.path.abspath(folder) != HERE]
_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", _others)
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
