"""Puts the probe around whatever app a server loads: for `Server(..., probe=True)`.

With this folder on PYTHONPATH, every Python process of the command imports this module when it
starts, before its own program (https://docs.python.org/3/library/site.html). It changes nothing but
what Uvicorn, or Gunicorn's own ASGI worker, has loaded as the app. So the command stays as typed,
and so do the app's files. UvicornWorker loads its app as Uvicorn does.

Standard library only, and nothing newer than Python 3.8: it runs in the environment of the app.
"""

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.dirname(HERE))


def from_file(name, *path):
    """A module from its file: the package need not be installed here."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, os.path.join(*path))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # an app that imports it gets this one
        spec.loader.exec_module(module)
    return sys.modules[name]


def probe():
    return from_file("workerlab.probe", PACKAGE, "probe.py")


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

hook = from_file("workerlab.import_hook", PACKAGE, "import_hook.py")
hook.change_when_imported(PATCHES)

hook.run_hidden_sitecustomize(HERE)
