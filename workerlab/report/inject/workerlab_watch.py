"""The watch: what one worker of the reader's app tells about itself and about single requests.

It lies around the app, outside its middleware: its own paths need no login and pass no Host check.

    PING   answers 204 and the worker's pid, at once
    APP    answers JSON: what kind of app it is, its OpenAPI, its table of routes
    OPEN   notes what is known so far of requests that have not ended (an endless stream)

A request with the header HEADER is watched. When it has ended, one line of JSON goes to the file
PID.jsonl in the folder that WORKERLAB_REPORT_FOLDER names: a note. Notes hold times in seconds,
counts, names of functions, files and lines; never a header, a body, a variable or a log line.

How a request is watched:

- a callback every TICK on the event loop: how long the loop could not run it (`gap`);
- a thread that looks every TICK where each thread of this worker stands: whether the loop's thread
  runs code (`on_loop`), whether another one does (`in_threads`), and in which line;
- the CPU time of the loop's thread and of the process, and how long the loop's thread waited for a
  core.

Nothing of this runs while no watched request is open, so load without HEADER is measured as it is.

Standard library only, Python 3.9 to 3.14: it runs in the reader's environment.
"""

import asyncio
import json
import logging
import os
import sys
import sysconfig
import threading
import time

TICK = 0.005
PING, APP, OPEN = "/workerlab-report/ping", "/workerlab-report/app", "/workerlab-report/open"
HEADER = b"x-workerlab-report"
FOLDER = os.environ.get("WORKERLAB_REPORT_FOLDER")
SHORTEST_GAP = 0.002  # what the loop's own timer is late by
COROUTINE = 0x80  # of a code object's flags: it is an `async def`
HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = tuple(
    {
        os.path.realpath(folder) + os.sep
        for name, folder in sysconfig.get_paths().items()
        if name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    | {HERE + os.sep}
)

_base_codes = set()  # code that calls the loop's callbacks: an idle loop's thread stands in it


def note(what, **facts):
    """Add one line to this process's file of notes. Never raises."""
    if FOLDER is None:
        return
    line = json.dumps({"what": what, "pid": os.getpid(), "when": time.monotonic(), **facts})
    try:
        with open(os.path.join(FOLDER, f"{os.getpid()}.jsonl"), "a") as file:
            file.write(line + "\n")
    except OSError:
        pass


def note_forks():
    """From now on, note before each fork which threads run, and which sockets are open."""

    def before():
        note("fork", threads=threading.active_count() - 1)

    os.register_at_fork(before=before)


class Watch:
    """Around any ASGI app, one for each worker process."""

    def __init__(self, app):
        self.app = app
        self._pid = None
        self._open = {}  # by id: the watched requests that have not ended
        self._ticks = False

    def __getattr__(self, name):
        return getattr(self.__dict__["app"], name)  # a server may look for an attribute of the app

    async def __call__(self, scope, receive, send):
        if self._pid != os.getpid():
            self._begin()
        path = scope.get("path", "")
        if scope["type"] == "lifespan":
            await self.app(scope, receive, _noting_lifespan(send))
        elif scope["type"] == "http" and "/workerlab-report/" in path:
            await self._answer(path, send)
        elif scope["type"] == "http" and HEADER in dict(scope.get("headers") or ()):
            await self._watched(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _begin(self):
        # At the first scope in this process and not at import: threads do not survive a fork.
        self._pid = os.getpid()
        self._open = {}
        self._ticks = False
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._last = time.monotonic()
        self._sampler_cpu = 0.0
        self._wake = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="workerlab-watch", daemon=True)
        self._sampler.start()
        self._loop.call_soon(_remember_callers)
        for name in ("uvicorn.access", "gunicorn.access"):
            logging.getLogger(name).addFilter(leave_pings_out_of_the_log)
        note("begun", app=kind_of(innermost(self.app)), loop=type(self._loop).__module__)

    async def _answer(self, path, send):
        status, body = 204, b""
        if path.endswith(APP):
            status, body = 200, json.dumps(description(self.app)).encode()
        elif path.endswith(OPEN):
            for request in list(self._open.values()):
                note("request", **self._so_far(request), ended=False)
        headers = [
            (b"x-workerlab-pid", str(self._pid).encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _watched(self, scope, receive, send):
        request = Request(scope, self._sampler_cpu)

        async def watching_send(message):
            request.see(message)
            await send(message)

        self._open[id(request)] = request
        self._wake.set()
        if not self._ticks:
            self._ticks, self._last = True, time.monotonic()
            self._loop.call_later(TICK, self._tick)
        try:
            await self.app(scope, receive, watching_send)
        except BaseException as error:
            request.error = type(error).__name__
            raise
        finally:
            self._note_gap()  # after a handler that blocked, the callback has not had its turn yet
            del self._open[id(request)]
            note("request", **self._so_far(request), ended=True)

    def _so_far(self, request):
        return request.facts(self._sampler_cpu, self._sampler.is_alive())

    def _tick(self):
        self._note_gap()
        self._last = time.monotonic()
        self._ticks = bool(self._open)
        if self._ticks:
            self._loop.call_later(TICK, self._tick)

    def _note_gap(self):
        now = time.monotonic()
        gap = now - self._last - TICK
        if gap > SHORTEST_GAP:
            for request in self._open.values():
                request.gaps.append(min(gap, now - request.began))

    def _sample(self):
        me = threading.get_ident()
        before = time.monotonic()
        while True:
            if not self._open:
                self._wake.clear()
                if not self._open:
                    self._wake.wait()
                before = time.monotonic()
            time.sleep(TICK)
            now = time.monotonic()
            weight, before = now - before, now
            on_loop, in_threads = None, None
            for ident, frame in sys._current_frames().items():
                if ident == self._loop_thread:
                    on_loop = None if loop_waits(frame) else place(frame)
                elif ident != me and not thread_waits(frame):
                    in_threads = in_threads or place(frame)
            for request in list(self._open.values()):
                request.sampled(weight, on_loop, in_threads)
            self._sampler_cpu = time.thread_time()


class Request:
    """What is seen of one watched request."""

    def __init__(self, scope, sampler_cpu):
        self.scope = scope
        self.id = dict(scope["headers"])[HEADER].decode("latin-1")
        self.gaps = []
        self.error = self.status = self.first = None
        self.size = self.samples = 0
        self.on_loop = self.in_threads = 0.0
        self._run, self._run_samples = 0.0, 0  # of looks in a row at which the loop ran code
        self.lines = {"loop": {}, "threads": {}}
        self._waited, self._others_waited = waited_for_a_core(), others_waited_for_cores()
        self._sampler_cpu = sampler_cpu
        self._loop_cpu, self._cpu = time.thread_time(), time.process_time()
        self.began = time.monotonic()

    def see(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            if self.first is None:
                self.first = time.monotonic() - self.began
            self.size += len(message.get("body") or b"")

    def sampled(self, weight, on_loop, in_threads):
        weight = min(weight, time.monotonic() - self.began)
        self.samples += 1
        for name, line in (("loop", on_loop), ("threads", in_threads)):
            if line is not None:
                self.lines[name][line] = self.lines[name].get(line, 0.0) + weight
        if on_loop:
            self._run, self._run_samples = self._run + weight, self._run_samples + 1
        else:
            self.on_loop += self._counting_run()
            self._run, self._run_samples = 0.0, 0
        self.in_threads += weight if in_threads else 0.0

    def _counting_run(self):
        """The seconds of the latest run, where it is none that the pings alone may have caused."""
        counts = self._run_samples > 1 or self._run > 0.1 * (time.monotonic() - self.began)
        return self._run if counts else 0.0

    def facts(self, sampler_cpu, sampler_lives):
        now_waited = waited_for_a_core()
        unknown = self._waited is None or now_waited is None
        return {
            "id": self.id,
            "wall": time.monotonic() - self.began,
            "gap": max(self.gaps, default=0.0),
            "on_loop": self.on_loop + self._counting_run(),
            "in_threads": self.in_threads,
            "loop_cpu": time.thread_time() - self._loop_cpu,
            "cpu": time.process_time() - self._cpu - (sampler_cpu - self._sampler_cpu),
            "waited": None if unknown else now_waited - self._waited,
            "others_waited": others_waited_for_cores() - self._others_waited,
            "samples": self.samples,
            "sampler_lives": sampler_lives,
            "lines": self.lines,
            "status": self.status,
            "first": self.first,
            "size": self.size,
            "error": self.error,
            "handler": handler_of(self.scope),
        }


def _remember_callers():
    frame = sys._getframe(1)
    while frame is not None:
        _base_codes.add(frame.f_code)
        frame = frame.f_back


def _noting_lifespan(send):
    async def noting_send(message):
        note("lifespan", message=message["type"])
        await send(message)

    return noting_send


def waited_for_a_core():
    """Seconds that this thread was ready and had no core; None except on Linux.

    Source: https://docs.kernel.org/scheduler/sched-stats.html
    """
    try:
        with open("/proc/thread-self/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def others_waited_for_cores():
    """The same of all other threads of this process together; 0.0 except on Linux."""
    me, seconds = str(threading.get_native_id()), 0.0
    try:
        for thread in os.listdir("/proc/self/task"):
            if thread != me:
                with open(f"/proc/self/task/{thread}/schedstat") as file:
                    seconds += int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        pass  # a thread has ended meanwhile
    return seconds


def leave_pings_out_of_the_log(record):
    """A filter for the server's access log: a line for each ping would cost more than the ping."""
    return "/workerlab-report/" not in str(record.args)


def file_of(frame):
    return frame.f_code.co_filename.replace(os.sep, "/")


def loop_waits(frame):
    """Whether the loop's thread, which stands in this frame, waits for something to do."""
    if frame.f_code in _base_codes:
        return True
    if file_of(frame).endswith("/selectors.py") and frame.f_back:
        frame = frame.f_back  # others than the loop use selectors, such as subprocess
    name = file_of(frame)
    return "/asyncio/" in name or "/uvloop/" in name or name.endswith("/workerlab_watch.py")


def thread_waits(frame):
    """Whether a thread that stands in this frame waits for work, as one of a pool does."""
    if "/anyio/" in file_of(frame):
        return False  # the pool itself has called a function of C, such as time.sleep
    while (
        frame is not None
        and file_of(frame).endswith(("/threading.py", "/queue.py"))
        and frame.f_code.co_name not in ("run", "_bootstrap")
    ):
        frame = frame.f_back
    if frame is None:
        return True
    name, function = file_of(frame), frame.f_code.co_name
    return (
        (name.endswith("/concurrent/futures/thread.py") and function == "_worker")
        or ("/anyio/" in name and function == "run")
        or (name.endswith("/threading.py") and function == "_bootstrap")
    )


def is_library(path):
    return path.startswith("<") or os.path.realpath(path).startswith(LIBRARIES)


def place(frame):
    """`FILE:LINE FUNCTION` of the innermost line of the reader's own, else of the innermost."""
    own = frame
    while own is not None and is_library(own.f_code.co_filename):
        own = own.f_back
    found = own if own is not None else frame
    code = found.f_code
    return f"{code.co_filename}:{found.f_lineno} {code.co_name}"


def function_of(endpoint):
    """The plain function behind a handler, however it is decorated or called."""
    seen = 0
    while seen < 20:
        seen += 1
        inner = getattr(endpoint, "__wrapped__", None) or getattr(endpoint, "func", None)
        if inner is None:
            break
        endpoint = inner
    if not hasattr(endpoint, "__code__") and not isinstance(endpoint, type):
        endpoint = vars(type(endpoint)).get("__call__", endpoint)
    return endpoint


def named(endpoint):
    """Name, file, first line, and whether it is `async def`; None for no function."""
    function = function_of(endpoint)
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    return {
        "name": getattr(function, "__qualname__", code.co_name),
        "file": code.co_filename,
        "line": code.co_firstlineno,
        "is_async": bool(code.co_flags & COROUTINE),
    }


def handler_of(scope):
    """The handler that took the request: known after the call, in FastAPI and Starlette."""
    endpoint = scope.get("endpoint") or scope.get("route_handler")
    return None if endpoint is None else named(endpoint)


def kind_of(app):
    return kind_of_class(type(app))


def innermost(app):
    """The app inside what the server has put around it."""
    for _ in range(20):
        if hasattr(app, "routes") or not hasattr(app, "app"):
            break
        app = app.app
    return app


def description(app):
    """What an app says of itself, for the report's list of endpoints."""
    app = innermost(app)
    try:
        openapi = app.openapi() if callable(getattr(app, "openapi", None)) else None
        json.dumps(openapi)
    except Exception:
        openapi = None  # an app whose documentation is broken serves all the same
    return {
        "kind": kind_of(app),
        "kinds": [kind_of_class(base) for base in type(app).__mro__],
        "openapi": openapi,
        "routes": list(routes_of(getattr(app, "routes", None) or (), "", 0)),
        "python": ".".join(map(str, sys.version_info[:3])),
        "is_wsgi": is_wsgi(app),
        "logging": logging_of_the_app(),
    }


def is_wsgi(app):
    """Whether it is called as PEP 3333 has it, which no ASGI app is."""
    code = getattr(function_of(app), "__code__", None)
    return code is not None and "start_response" in code.co_varnames[: code.co_argcount]


def logging_of_the_app():
    """How many loggers the app has, those of libraries left out, and how many show an INFO line."""
    loggers = [
        logger
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and not is_of_a_library(name)
    ]
    return {"loggers": len(loggers), "shown": sum(map(shows_info, loggers))}


def is_of_a_library(logger):
    """By the module that its name begins with; a name of the app's own choice is none."""
    module = sys.modules.get(logger.partition(".")[0])
    file = getattr(module, "__file__", None)
    places = [file] if file else getattr(module, "__path__", ())  # a namespace package has no file
    return any(map(is_library, map(str, places)))


def shows_info(logger):
    """Whether a line of this level would reach a handler (docs: howto/logging, Logging Flow)."""
    if not logger.isEnabledFor(logging.INFO):
        return False
    while logger is not None:
        for handler in logger.handlers:
            if handler.level <= logging.INFO and not isinstance(handler, logging.NullHandler):
                return True
        logger = logger.parent if logger.propagate else None
    return False


def kind_of_class(one):
    return f"{one.__module__}.{one.__qualname__}"


def routes_of(table, prefix, depth):
    """Path, methods and handler of each route, in those that are included too."""
    for route in table:
        path = prefix + (getattr(route, "path", "") or "")
        endpoint = getattr(route, "endpoint", None)
        inner = getattr(getattr(route, "app", None), "routes", None)
        inner = inner or getattr(route, "routes", None)
        if endpoint is None and inner and depth < 10:
            yield from routes_of(inner, path, depth + 1)
        elif endpoint is not None:
            yield {
                "path": path,
                "methods": sorted(getattr(route, "methods", None) or ()),
                "is_websocket": "WebSocket" in type(route).__name__,
                "handler": named(endpoint),
            }
