"""Probes of the settings on the server's processes, their files and the configuration file."""

import os
import tempfile

import psutil

from workerlab.server.settings.kinds import (
    ACTS,
    IGNORED,
    NO_EFFECT,
    NOT_MEASURABLE,
    Kind,
    request,
    start,
    start_served,
)
from workerlab.server.start_errors import ServerDidNotStart

NOBODY = 65534  # the number of a user and of a group without rights


def proc_name(kind: Kind) -> str:
    """Is the name in the list of processes?"""
    server = start(kind, proc_name="named-by-probe")
    # As typed, the name stands behind its option; as a title it comes first.
    titles = [" ".join(psutil.Process(pid).cmdline()) for pid in server.pids]
    return ACTS if any("[named-by-probe]" in title for title in titles) else NO_EFFECT


def daemon(kind: Kind) -> str:
    """Has the master left the session in which it was started?"""
    server = start(kind, daemon=True)
    # What the kit starts leads its session; Gunicorn's daemon forks once more and so does not.
    return ACTS if os.getsid(server.pid) != server.pid else IGNORED


def pidfile(kind: Kind) -> str:
    """Is the master's pid in the file?"""
    server = start(kind, pidfile="{folder}/pid")
    file = server.folder / "pid"
    return ACTS if file.exists() and file.read_text().strip() == str(server.pid) else IGNORED


def user(kind: Kind) -> str:
    """Started as root, do the workers run as the user given?"""
    kind.option("user", NOBODY)
    if os.geteuid() != 0:
        return NOT_MEASURABLE
    # Another user might not be allowed to read this folder, so the app is imported before.
    server = start(kind, user=NOBODY, preload=True)
    return ACTS if psutil.Process(server.workers[0]).uids().effective == NOBODY else IGNORED


def group(kind: Kind) -> str:
    """Started as root, do the workers run in the group given?"""
    kind.option("group", NOBODY)
    if os.geteuid() != 0:
        return NOT_MEASURABLE
    server = start(kind, group=NOBODY)
    return ACTS if psutil.Process(server.workers[0]).gids().effective == NOBODY else IGNORED


def tmp_upload_dir(kind: Kind) -> str:
    """Does a request with a body of 20 MB leave a trace in the folder?"""
    with tempfile.TemporaryDirectory(prefix="workerlab-") as folder:
        files = {"conf.py": f"tmp_upload_dir = {folder!r}"}
        server = start_served(kind, files=files, config="{folder}/conf.py")
        before = os.stat(folder).st_mtime_ns
        assert request(server, "/size", body=bytes(20_000_000))[1] == "20000000"
        return IGNORED if os.stat(folder).st_mtime_ns == before else ACTS


def misspelt(kind: Kind) -> str:
    """Does a name in the configuration file that is no setting stop the start, or get a word?"""
    try:
        server = start(kind, files={"conf.py": "wokers = 3"}, config="{folder}/conf.py")
    except ServerDidNotStart:
        return ACTS
    return ACTS if "wokers" in server.log else IGNORED
