"""What the settings of app/gunicorn_conf.py do under a worker class: one probe for each.

A probe starts a server with the setting, looks at the running thing and says `acts`, `ignored`,
`no effect`, or `not measurable` where this account or system cannot show it. docs/version-facts.md
holds what they say of the pinned versions, and the slow tests compare. The settings which are not
here (workers, timeout, max_requests, keepalive, the access log) are shown by lesson 06 itself.
"""

import asyncio
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from urllib.request import ProxyHandler, Request, build_opener

import psutil

from workerlab.load import burst
from workerlab.server.server import Server, end

ACTS, IGNORED, NO_EFFECT, NOT_MEASURABLE = "acts", "ignored", "no effect", "not measurable"
UVICORN_WORKER = "uvicorn_worker.UvicornWorker"

_UPLOADS = """
from fastapi import FastAPI, Request
app = FastAPI()
@app.get("/health")
async def health(): ...
@app.post("/")
async def read(request: Request):
    return sum([len(chunk) async for chunk in request.stream()])
"""


def start(worker_class: str, options: str, app: str = "app.main:app", **others) -> Server:
    """One worker of this class, with further options of the command line."""
    command = f"gunicorn {app} --worker-class {worker_class} --bind 127.0.0.1:{{port}} {options}"
    return Server(command, name="probe", **others)


def bind(worker_class: str) -> str:
    """Does it listen at the address given?"""
    server = start(worker_class, "")
    addresses = {held.address for held in server.listening()}
    return ACTS if addresses == {f"127.0.0.1:{server.port}"} else IGNORED


def backlog(worker_class: str) -> str:
    """With a queue of 2 and a worker that accepts nothing, do 20 clients get a connection?"""
    server = start(worker_class, "--backlog 2")
    os.kill(server.workers[0], signal.SIGSTOP)
    clients = [socket.socket() for _ in range(20)]
    try:
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", server.port))
        time.sleep(0.3)
        connected = sum(is_connected(client) for client in clients)
    finally:
        for client in clients:
            client.close()
        os.kill(server.workers[0], signal.SIGCONT)
    return ACTS if connected < 10 else IGNORED


def is_connected(client: socket.socket) -> bool:
    """Whether the kernel has taken the connection."""
    try:
        client.getpeername()
    except OSError:
        return False
    return True


def worker_connections(worker_class: str) -> str:
    """With a limit of 5, are 20 requests in progress at once?"""
    server = start(worker_class, "--worker-connections 5")
    run = asyncio.run(burst(f"{server.url}/slow-await?seconds=1", n=20))
    return IGNORED if run.peak_overlap == 20 else ACTS


def graceful_timeout(worker_class: str) -> str:
    """After TERM, is a request of 3 s cut with a limit of 1 s, and answered with one of 10 s?"""

    async def stop_under_way(server: Server) -> bool:
        request = asyncio.create_task(burst(f"{server.url}/slow-await?seconds=3"))
        await asyncio.sleep(0.5)
        server.signal("TERM")
        return (await request).records[0].ok

    cut = asyncio.run(stop_under_way(start(worker_class, "--graceful-timeout 1")))
    answered = asyncio.run(stop_under_way(start(worker_class, "--graceful-timeout 10")))
    return ACTS if answered and not cut else IGNORED


def errorlog(worker_class: str) -> str:
    """Is the error log in the file given, and not on standard error?"""
    server = start(worker_class, "--error-logfile {folder}/errors")
    file = server.folder / "errors"
    elsewhere = file.exists() and "Listening" in file.read_text()
    return ACTS if elsewhere and "Listening" not in server.log else IGNORED


def loglevel(worker_class: str) -> str:
    """Are the lines of level INFO gone with the level `warning`?"""
    usual = start(worker_class, "").log
    quiet = start(worker_class, "--log-level warning").log
    return ACTS if "[INFO]" in usual and "[INFO]" not in quiet else IGNORED


def proc_name(worker_class: str) -> str:
    """Is the name in the list of processes?"""
    server = start(worker_class, "--name named-by-probe")
    # As typed, the name stands behind its option; as a title it comes first.
    titles = [" ".join(psutil.Process(pid).cmdline()) for pid in server.pids]
    return ACTS if any("[named-by-probe]" in title for title in titles) else NO_EFFECT


def daemon(worker_class: str) -> str:
    """Has the master left the session in which it was started?"""
    server = start(worker_class, "--daemon")
    # What the kit starts leads its session; Gunicorn's daemon forks once more and so does not.
    return ACTS if os.getsid(server.pid) != server.pid else IGNORED


def pidfile(worker_class: str) -> str:
    """Is the master's pid in the file?"""
    server = start(worker_class, "--pid {folder}/pid")
    file = server.folder / "pid"
    return ACTS if file.exists() and file.read_text().strip() == str(server.pid) else IGNORED


def user(worker_class: str) -> str:
    """Started as root, do the workers run as the user given?"""
    if os.geteuid() != 0:
        return NOT_MEASURABLE
    # Another user might not be allowed to read this folder, so the app is imported before.
    server = start(worker_class, "--user 65534 --preload")
    return ACTS if psutil.Process(server.workers[0]).uids().effective == 65534 else IGNORED


def group(worker_class: str) -> str:
    """Started as root, do the workers run in the group given?"""
    if os.geteuid() != 0:
        return NOT_MEASURABLE
    server = start(worker_class, "--group 65534")
    return ACTS if psutil.Process(server.workers[0]).gids().effective == 65534 else IGNORED


def tmp_upload_dir(worker_class: str) -> str:
    """Does a request with a body of 20 MB leave a trace in the folder?"""
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        files = {"uploads.py": _UPLOADS, "conf.py": f"tmp_upload_dir = {folder!r}"}
        options = "-c {folder}/conf.py --pythonpath {folder}"
        server = start(worker_class, options, "uploads:app", files=files)
        before = os.stat(folder).st_mtime_ns
        request = Request(server.url, data=bytes(20_000_000), method="POST")
        with build_opener(ProxyHandler({})).open(request, timeout=30) as reply:
            assert reply.read() == b"20000000"
        return IGNORED if os.stat(folder).st_mtime_ns == before else ACTS


PROBES: dict[str, Callable[[str], str]] = {
    probe.__name__: probe
    for probe in (
        bind,
        backlog,
        worker_connections,
        graceful_timeout,
        errorlog,
        loglevel,
        proc_name,
        daemon,
        pidfile,
        user,
        group,
        tmp_upload_dir,
    )
}


def ask(setting: str, worker_class: str = UVICORN_WORKER) -> str:
    """What the probe of this setting says; its server is ended."""
    try:
        return PROBES[setting](worker_class)
    finally:
        end("probe")
