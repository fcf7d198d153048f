"""The watch: what one worker of the reader's app tells about itself and about single requests.

It lies around the app, outside its middleware: its own paths need no login and pass no Host check.

    PING   answers 204 and the worker's pid, at once
    APP    answers JSON: its OpenAPI, its table of routes, whether it shows its log lines
    OPEN   notes what is known so far of requests that have not ended (an endless stream)

A request with the header HEADER is watched. When it has ended, one line of JSON goes to the file
PID.jsonl in the folder that WORKERLAB_REPORT_FOLDER names: a note. Notes hold times in seconds,
counts, names of functions, files and lines; never a header, a body, a variable or a log line.

How a request is watched:

- a callback every TICK on the event loop. Where it comes late there is a gap: how long, how much of
  it the loop's thread computed, and how much it waited for a core;
- a thread, the sampler, that looks every TICK where each thread of this worker stands: whether the
  loop's thread runs code, whether another one does, and in which line. What other threads were
  busy with before the request came is not its doing and is left out;
- the CPU time of the other threads, and how long they waited for a core.

While code in C keeps the GIL, such as json.dumps, the sampler has no turn. With LINES behind its
name in HEADER, a request is traced instead: it takes longer, and the note says how much CPU time
went on each line of the app's own.

Nothing of this runs while no watched request is open, so load without HEADER is measured as it is.

Standard library only, Python 3.9 to 3.14: it runs in the reader's environment.
"""

import asyncio
import concurrent.futures.thread
import functools
import json
import logging
import os
import queue
import re
import selectors
import sys
import sysconfig
import threading
import time

TICK = 0.005
LOGGING_CALL = re.compile(r"\blogging\.(?:debug|info|warning|error|exception|critical|log)\(")
PING, APP, OPEN = "/workerlab-report/ping", "/workerlab-report/app", "/workerlab-report/open"
HEADER = b"x-workerlab-report"
LINES = ";lines"
LONGEST_TRACE = 2.0  # seconds: a line of Python that runs a million times takes long to trace
FOLDER = os.environ.get("WORKERLAB_REPORT_FOLDER")
SHORTEST_GAP = 0.002  # what the loop's own timer is late by
MOST_GAPS = 100  # in a note: the longest
LONGEST_LOOK = 2 * TICK  # what one look stands for at most: it says nothing of the time before
COROUTINE = 0x80  # of a code object's flags: it is an `async def`
HERE = os.path.dirname(os.path.abspath(__file__))
# Where the loop's thread stands in code of one of these, it is about to wait, or has just waited.
LOOP = (os.path.join(os.path.dirname(asyncio.__file__), ""), os.path.join(HERE, ""))
# With the scripts of commands, such as bin/uvicorn, from which everything is called.
LIBRARIES = tuple(
    {
        os.path.realpath(folder) + os.sep
        for name, folder in sysconfig.get_paths().items()
        if name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
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
        self._looks = self._looks_on_loop = 0
        self._sampler_cpu = self._sampler_waited = 0.0
        self._sampler_id = None
        self._mark()
        self._wake = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="workerlab-watch", daemon=True)
        self._sampler.start()
        self._loop.call_soon(_remember_callers)
        for name in ("uvicorn.access", "gunicorn.access"):
            logging.getLogger(name).addFilter(leave_pings_out_of_the_log)
        note("begun")

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
        request = Request(scope, self)
        self._open[id(request)] = request
        self._wake.set()
        self._mark()
        if not self._ticks:
            self._ticks = True
            self._loop.call_later(TICK, self._tick)
        lines = Lines() if request.id.endswith(LINES) else None
        try:
            if lines is not None:
                lines.begin()
            await self.app(scope, receive, send)
        finally:
            if lines is not None:
                lines.end()
                request.traced = lines.seconds()
            self._note_gap()  # after a handler that blocked, the callback has not had its turn yet
            del self._open[id(request)]
            note("request", **self._so_far(request), ended=True)

    def _so_far(self, request):
        return {**request.facts(), "sampler_lives": self._sampler.is_alive()}

    def _tick(self):
        self._note_gap()
        self._mark()
        self._ticks = bool(self._open)
        if self._ticks:
            self._loop.call_later(TICK, self._tick)

    def _mark(self):
        self._last = time.monotonic()
        self._last_figures = self._figures()

    def _figures(self):
        return {
            "cpu": time.thread_time(),
            "waited": waited_for_a_core() or 0.0,
            "looks": self._looks,
            "on_loop": self._looks_on_loop,
            "sampler_waited": self._sampler_waited,
        }

    def _note_gap(self):
        now = time.monotonic()
        seconds = now - self._last - TICK
        if seconds <= SHORTEST_GAP:
            return
        before = self._last_figures
        gap = {name: after - before[name] for name, after in self._figures().items()}
        for request in self._open.values():
            request.gaps.append({"seconds": min(seconds, now - request.began), **gap})

    def _sample(self):
        me = threading.get_ident()
        self._sampler_id = threading.get_native_id()
        while True:
            if not self._open:
                self._wake.clear()
                if not self._open:
                    self._wake.wait()
                before = time.monotonic()
            now = time.monotonic()
            weight, before = min(now - before, LONGEST_LOOK), now
            on_loop, busy = None, {}
            for ident, frame in sys._current_frames().items():
                if ident == self._loop_thread:
                    on_loop = None if loop_waits(frame) else place(frame)
                elif ident != me and not thread_waits(frame):
                    busy[ident] = place(frame)
            self._looks += 1
            self._looks_on_loop += on_loop is not None
            for request in list(self._open.values()):
                request.sampled(weight, on_loop, busy)
            self._sampler_cpu = time.thread_time()
            self._sampler_waited = waited_for_a_core() or 0.0
            time.sleep(TICK)


class Request:
    """What is seen of one watched request."""

    def __init__(self, scope, watch):
        self.scope = scope
        self.watch = watch
        self.id = dict(scope["headers"])[HEADER].decode("latin-1")
        self.gaps = []
        self.looks = self.looks_in_threads = 0
        self.in_threads = 0.0
        self.lines = {"loop": {}, "threads": {}}
        self.traced = {}
        # Threads that work already do not work for this request.
        numbers = {thread.ident: thread.native_id for thread in threading.enumerate()}
        self._strangers = {
            ident: numbers.get(ident)
            for ident, frame in sys._current_frames().items()
            if ident not in (watch._loop_thread, watch._sampler.ident) and not thread_waits(frame)
        }
        self._had_strangers = list(self._strangers.values())
        self._before = self._times()
        self._loop_cpu, self._loop_waited = time.thread_time(), waited_for_a_core()
        self.began = time.monotonic()

    def _times(self):
        """CPU seconds of all other threads than the loop's, the sampler's and strangers' (None
        where that is not known), and the seconds for which they waited for a core."""
        watch = self.watch
        others = time.process_time() - time.thread_time() - watch._sampler_cpu
        left_out = (str(threading.get_native_id()), str(watch._sampler_id))
        strangers = [str(thread) for thread in self._had_strangers]
        times = times_of_threads()
        if times is None:
            return (None if strangers else others), 0.0
        others -= sum(times[thread][0] for thread in strangers if thread in times)
        waited = sum(times[thread][1] for thread in times if thread not in (*left_out, *strangers))
        return others, waited

    def sampled(self, weight, on_loop, busy):
        weight = min(weight, time.monotonic() - self.began)
        self._strangers = {
            ident: thread for ident, thread in self._strangers.items() if ident in busy
        }
        in_threads = next((busy[ident] for ident in busy if ident not in self._strangers), None)
        self.looks += 1
        self.looks_in_threads += in_threads is not None
        self.in_threads += weight if in_threads else 0.0
        for name, line in (("loop", on_loop), ("threads", in_threads)):
            if line is not None:
                self.lines[name][line] = self.lines[name].get(line, 0.0) + weight

    def facts(self):
        others_cpu, others_waited = self._times()
        if others_cpu is not None:
            others_cpu = max(0.0, others_cpu - self._before[0])
        waited = waited_for_a_core()
        gaps = sorted(self.gaps, key=lambda gap: -gap["seconds"])[:MOST_GAPS]
        return {
            "id": self.id,
            "wall": time.monotonic() - self.began,
            "gaps": gaps,
            "in_threads": self.in_threads,
            "loop_cpu": time.thread_time() - self._loop_cpu,
            "loop_waited": (waited or 0.0) - (self._loop_waited or 0.0),
            "others_cpu": others_cpu,
            "others_waited": max(0.0, others_waited - self._before[1]),
            "waits_known": waited is not None,
            "looks": self.looks,
            "looks_in_threads": self.looks_in_threads,
            "lines": self.lines,
            "traced": self.traced,
            "handler": handler_of(self.scope),
        }


class Lines:
    """CPU seconds of each line of the app's own, traced: what a line calls in libraries included.

    On the event loop's thread; in a pool's threads from Python 3.12 on.
    """

    def __init__(self):
        self._seconds = {}  # by code and line
        self._at = {}  # by thread: code and line of the app's own, and the CPU time when it began
        self._before = sys.gettrace()
        self._end = time.monotonic() + LONGEST_TRACE

    def begin(self):
        sys.settrace(self._trace)
        if sys.version_info >= (3, 12):
            threading.settrace_all_threads(self._trace)

    def end(self):
        self._end = 0.0
        sys.settrace(self._before)
        if sys.version_info >= (3, 12):
            threading.settrace_all_threads(self._before)

    def seconds(self):
        """By `FILE:LINE FUNCTION`."""
        found = {}
        for (code, line), seconds in self._seconds.items():
            name = place_in(code, line)
            found[name] = found.get(name, 0.0) + seconds
        return found

    def _trace(self, frame, event, arg):
        if time.monotonic() > self._end or is_library(frame.f_code.co_filename):
            return None
        thread, now = threading.get_ident(), time.thread_time()
        where, since = self._at.get(thread, (None, now))
        if where is not None:
            self._seconds[where] = self._seconds.get(where, 0.0) + now - since
        if event == "return":
            frame = own_frame(frame.f_back)
        self._at[thread] = (frame and (frame.f_code, frame.f_lineno), now)
        return self._trace


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


def times_of_threads():
    """CPU seconds of each thread of this process by its number, and seconds for which it was ready
    and had no core; None except on Linux."""
    times = {}
    try:
        threads = os.listdir("/proc/self/task")
    except OSError:
        return None
    for thread in threads:
        try:
            with open(f"/proc/self/task/{thread}/schedstat") as file:
                cpu, waited = file.read().split()[:2]
        except (OSError, ValueError):
            continue  # it has ended meanwhile
        times[thread] = int(cpu) / 1e9, int(waited) / 1e9
    return times


def leave_pings_out_of_the_log(record):
    """A filter for the server's access log: a line for each ping would cost more than the ping."""
    return "/workerlab-report/" not in str(record.args)


def loop_waits(frame):
    """Whether the loop's thread, which stands in this frame, waits for something to do."""
    if frame.f_code in _base_codes:
        return True
    if frame.f_code.co_filename == selectors.__file__ and frame.f_back:
        frame = frame.f_back  # others than the loop use selectors, such as subprocess
    return frame.f_code.co_filename.startswith(LOOP)


def thread_waits(frame):
    """Whether a thread that stands in this frame waits for work, as one of a pool does."""
    if frame is not None and is_anyio(frame):
        return False  # the pool itself has called a function of C, such as time.sleep
    while (
        frame is not None
        and frame.f_code.co_filename in (threading.__file__, queue.__file__)
        and frame.f_code.co_name not in ("run", "_bootstrap")
    ):
        frame = frame.f_back
    if frame is None:
        return True
    name, function = frame.f_code.co_filename, frame.f_code.co_name
    return (
        name.startswith(LOOP)  # asyncio's own, which waits for a program to end
        or (name == concurrent.futures.thread.__file__ and function == "_worker")
        or (is_anyio(frame) and function == "run")
        or (name == threading.__file__ and function == "_bootstrap")
    )


def is_anyio(frame):
    return frame.f_globals.get("__name__", "").startswith("anyio.")


@functools.cache
def is_library(path):
    return path.startswith("<") or os.path.realpath(path).startswith(LIBRARIES)


def own_frame(frame):
    """The innermost frame of the app's own, from this one outwards; None if there is none."""
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def place(frame):
    """`FILE:LINE FUNCTION` of the innermost line of the app's own, else of the innermost."""
    found = own_frame(frame) or frame
    return place_in(found.f_code, found.f_lineno)


def place_in(code, line):
    # The name of a comprehension or a lambda says less than that of the function around it.
    name = getattr(code, "co_qualname", code.co_name).split(".<locals>.<")[0]
    return f"{code.co_filename}:{line} {name.split('.<locals>.')[-1]}"


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
        "openapi": openapi,
        "routes": list(routes_of(getattr(app, "routes", None) or (), "", 0)),
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
    if any(map(uses_root_logger, list(sys.modules.values()))):
        loggers.append(logging.root)
    return {"loggers": len(loggers), "shown": sum(map(shows_info, loggers))}


def is_of_a_library(logger):
    """By the module that its name begins with; a name of the app's own choice is none."""
    package = logger.partition(".")[0]
    if package in ("uvicorn", "gunicorn"):
        return True
    module = sys.modules.get(package)
    file = getattr(module, "__file__", None)
    places = [file] if file else getattr(module, "__path__", ())  # a namespace package has no file
    return any(map(is_library, map(str, places)))


def uses_root_logger(module):
    """Whether a module of the app's own keeps the root logger, or calls `logging.info` and such."""
    file = getattr(module, "__file__", None)
    if not file or is_library(file):
        return False
    values = list(getattr(module, "__dict__", {}).values())
    if any(one is logging.root for one in values):
        return True
    if not any(one is logging for one in values):
        return False
    try:
        with open(file, encoding="utf-8") as source:
            return bool(LOGGING_CALL.search(source.read()))
    except (OSError, UnicodeDecodeError):
        return False


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
