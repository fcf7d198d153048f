"""Puts the watch around whatever app a server loads, and keeps the server on loopback.

With this folder on PYTHONPATH, every Python process of the reader's command imports this module
when it starts (https://docs.python.org/3/library/site.html). It changes what Uvicorn, or Gunicorn's
own ASGI worker, has loaded as the app, the address at which either listens, and the settings that
are not for a report (below); no file of the reader's. UvicornWorker loads its app as Uvicorn does.

Standard library only, Python 3.9 to 3.14: it runs in the reader's environment.
"""

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.dirname(HERE))
PORT = os.environ.get("WORKERLAB_REPORT_PORT")
WORKERS = os.environ.get("WORKERLAB_REPORT_WORKERS")
PRELOAD = os.environ.get("WORKERLAB_REPORT_PRELOAD")  # yes, no; unset: as the reader has it

# Settings that are left out, by server, each with its value instead. They would write beside a
# server that runs already or send elsewhere; end or replace workers in the middle of a measurement;
# or have the requests that the report sends refused, since it speaks plain HTTP.
NOT_FOR_A_REPORT = {
    "uvicorn": {
        "ssl_keyfile": None,
        "ssl_certfile": None,
        "ssl_context_factory": None,
        "reload": False,
        "limit_max_requests": None,
    },
    "gunicorn": {
        "pidfile": None,
        "accesslog": None,
        "errorlog": "-",
        "syslog": False,
        "statsd_host": None,
        "daemon": False,
        "capture_output": False,
        "keyfile": None,
        "certfile": None,
        "reload": False,
        "max_requests": 0,
    },
}
_left_out = set()


def from_file(name, *path):
    """A module from its file: the package need not be installed here."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, os.path.join(*path))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # an app that imports it gets this one
        spec.loader.exec_module(module)
    return sys.modules[name]


def watch():
    return from_file("workerlab_watch", HERE, "workerlab_watch.py")


def leave_out(name, value, instead):
    """Tell the report, once in a process, that a setting of the reader's is left out."""
    # UvicornWorker gives sys.maxsize to Uvicorn where there is no limit.
    if value in (instead, None, "-", sys.maxsize) or name in _left_out:
        return
    _left_out.add(name)
    watch().note("left out", name=name)


def patch_uvicorn(module):
    init, load = module.Config.__init__, module.Config.load

    def init_on_loopback(self, *args, **kwargs):
        init(self, *args, **kwargs)
        # `python main.py` may call uvicorn.run(app, host="0.0.0.0").
        self.host, self.port, self.uds, self.fd = "127.0.0.1", int(PORT), None, None
        for name, instead in NOT_FOR_A_REPORT["uvicorn"].items():
            leave_out(name, getattr(self, name, None), instead)
            setattr(self, name, instead)
        if WORKERS:  # of which it may ask for several
            self.workers = int(WORKERS)

    def load_with_watch(self):
        load(self)
        self.loaded_app = watch().Watch(self.loaded_app)

    module.Config.load = load_with_watch
    if PORT:
        module.Config.__init__ = init_on_loopback


def patch_gunicorn_worker(module):
    load = module.ASGIWorker.load_wsgi

    def load_with_watch(self):
        load(self)
        self.asgi = watch().Watch(self.asgi)

    module.ASGIWorker.load_wsgi = load_with_watch


def patch_gunicorn_config(module):
    def left_out(name, instead):
        def get(self):
            if name in self.settings:
                leave_out(name, self.settings[name].get(), instead)
            return instead

        return property(get)

    def preload_app(self):
        value = self.settings["preload_app"].get() if PRELOAD is None else PRELOAD == "yes"
        watch().note("preload_app", value=value)
        return value

    if not PORT:
        return
    module.Config.preload_app = property(preload_app)
    for name, instead in NOT_FOR_A_REPORT["gunicorn"].items():
        setattr(module.Config, name, left_out(name, instead))
    forced = {"address": [("127.0.0.1", int(PORT))]}
    if WORKERS:
        forced["workers"] = int(WORKERS)
    for name, value in forced.items():
        setattr(module.Config, name, property(lambda self, value=value: value))


PATCHES = {
    "uvicorn.config": patch_uvicorn,
    "gunicorn.workers.gasgi": patch_gunicorn_worker,
    "gunicorn.config": patch_gunicorn_config,
}

hook = from_file("workerlab.import_hook", PACKAGE, "import_hook.py")
hook.change_when_imported(PATCHES)

if os.environ.get("WORKERLAB_REPORT_FORKS"):
    watch().note_forks()

hook.run_hidden_sitecustomize(HERE)
