"""Gunicorn's settings for app.main: the usual article's file, with its mistakes fixed.

Copy it next to your own app and change what you like; nothing else of this repository is needed:

    gunicorn main:app -c gunicorn_conf.py                                  behind a local proxy
    BIND=0.0.0.0:8000 WORKERS=2 gunicorn main:app -c gunicorn_conf.py      in a container

Each comment says what the setting does under `uvicorn_worker.UvicornWorker`: "acts" or "ignored".
Lesson 06 and docs/version-facts.md measure that. All of Gunicorn's settings:
https://gunicorn.org/reference/settings/
"""

import faulthandler
import math
import os
import sys
from pathlib import Path, PurePosixPath


def workers_from_environment() -> int:
    """$WORKERS; if unset or empty, one worker for each core that this process may use.

    Anything but a whole number from 1 to 1000 ends the start with one line. Lesson 07 finds out
    when more than one for each core pay off.
    """
    text = os.environ.get("WORKERS")
    if not text:
        return max(1, math.ceil(min(cores(), cpu_quota())))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 1000):
        sys.exit(f"WORKERS must be a whole number from 1 to 1000, not {text!r}")
    return int(text)


def cores() -> int:
    """The cores that this process may run on; where the system doesn't say, all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_quota(system: Path = Path("/")) -> float:
    """The CPU limit of this container or service, in cores: 0.5 is half a core; inf is no limit.

    Docker's `--cpus`, Kubernetes' `limits.cpu` and systemd's `CPUQuota` set it, for a control
    group and all groups below it. Versions 2 and 1 of control groups keep it in different files.
    """
    quotas = [math.inf]
    for line in read(system / "proc/self/cgroup").splitlines():
        _, controllers, own = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = system / "sys/fs/cgroup" / ("cpu" if controllers else "")
        for group in [own, *map(str, PurePosixPath(own).parents)]:
            folder = top / group.lstrip("/")
            limit = read(folder / "cpu.max") or " ".join(
                read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")
            )
            match limit.split():
                case [quota, period] if quota.isdigit() and period.isdigit():
                    quotas.append(int(quota) / int(period))
    return min(quotas)


def read(file: Path) -> str:
    """The text of a file, or nothing if it can't be read."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""


# The listening socket, which all workers share.
bind = os.environ.get("BIND") or "127.0.0.1:8000"  # acts; this machine only, for a proxy beside it
backlog = 2048  # acts: connections that the kernel holds until a worker accepts them

# The workers.
workers = workers_from_environment()  # acts
worker_class = "uvicorn_worker.UvicornWorker"  # acts; uvicorn.workers.UvicornWorker is deprecated
worker_connections = 1000  # ignored: a worker accepts as many as come
max_requests = 0  # acts: 0 never replaces a worker; only for a leak that you can't track down
max_requests_jitter = 100  # acts if max_requests is set: up to this many more, not all at once

# Time limits, in seconds.
timeout = 30  # acts: kills a worker whose event loop is stuck about this long; no request limit
graceful_timeout = 30  # acts: how long requests in progress may still take when the server stops
keepalive = 75  # acts: how long a connection stays open between requests; longer than in the proxy

# Logs: "-" is standard output (access) or standard error (error).
accesslog = "-"  # acts: one line for each request; without this, there is no access log
access_log_format = '%(h)s "%(r)s" %(s)s %(D)s'  # ignored: Uvicorn writes its own format
errorlog = "-"  # acts
loglevel = "info"  # acts, for the server's own messages; your app's loggers are yours to set up

# The process.
proc_name = "workerlab"  # ignored, unless the package setproctitle is installed
daemon = False  # acts; stay in the foreground: systemd, Docker and Kubernetes watch this process
pidfile = None  # acts
user = None  # acts when root starts the server; better start it as the right user
group = None  # acts, likewise
tmp_upload_dir = None  # ignored: no worker class of this release reads it


def post_worker_init(worker) -> None:
    """Have a worker that `timeout` kills write its stack to the log: the line that blocked.

    Gunicorn calls this in each worker when the app is loaded, before its event loop starts.
    """
    faulthandler.disable()  # enable() alone does nothing if $PYTHONFAULTHANDLER is set
    faulthandler.enable()
