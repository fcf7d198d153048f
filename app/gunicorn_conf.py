"""Gunicorn's settings for app.main: the usual article's file, mended.

Each setting says what it does under `uvicorn_worker.UvicornWorker`. Lesson 06 goes through them.
All of them: https://gunicorn.org/reference/settings/
"""

import os
import sys


def workers_from_environment() -> int:
    """$WORKERS, or 2 x cores + 1. Anything but a positive whole number ends the start.

    Set $WORKERS in a container: a CPU quota does not show in the number of cores.
    """
    text = os.environ.get("WORKERS")
    if text is None:
        return 2 * cores() + 1
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 1000):
        sys.exit(f"WORKERS must be a whole number from 1 to 1000, not {text!r}")
    return int(text)


def cores() -> int:
    """The cores which this process may use, where the system tells; else those there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# The listening socket, which all workers share.
bind = "127.0.0.1:8000"  # loopback only: a proxy on this machine faces the network
backlog = 2048  # acts: connections the kernel holds for us until a worker accepts them

# The workers.
workers = workers_from_environment()
worker_class = "uvicorn_worker.UvicornWorker"  # uvicorn.workers.UvicornWorker is deprecated
worker_connections = 1000  # ignored by this worker class: it accepts as many as come
max_requests = 1000  # acts, not to the request: a worker is replaced after so many ...
max_requests_jitter = 100  # ... and up to this many more, so that not all go at once

# Time limits, in seconds.
timeout = 30  # acts: kills a worker whose event loop gave no sign of life; not a request limit
graceful_timeout = 30  # acts: how long requests under way may take to end when all is stopped
keepalive = 75  # acts: how long an idle connection is kept; longer than the proxy keeps it

# Logs: "-" is standard output (access) or standard error (error).
accesslog = "-"  # acts; without this line there is no access log
access_log_format = '%(h)s "%(r)s" %(s)s %(D)s'  # ignored: Uvicorn writes its own format
errorlog = "-"
loglevel = "info"

# The process.
proc_name = "workerlab"  # acts only where the package setproctitle is installed

# The mechanics, as the defaults have them.
daemon = False  # stay in the foreground: systemd, Docker and Kubernetes watch this process
pidfile = None
user = None  # changing user and group takes a start as root
group = None
tmp_upload_dir = None  # ignored: no worker class of this release reads it
