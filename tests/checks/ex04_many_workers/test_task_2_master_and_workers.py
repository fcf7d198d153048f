"""The bank of answers to exercise 04, task 2."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex04_many_workers import check

LISTENERS = """
import os, psutil
def listeners(port):
    found = {}
    for process in psutil.process_iter():
        try:
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    found[process.pid] = process
        except psutil.Error:
            pass
    return found
def top(port):
    held = listeners(port)
    return next(process for process in held.values() if process.ppid() not in held)
def pids(processes):
    return [process.pid for process in processes]
def master_and_workers(port):
"""
BY_COMMAND_LINE = """
import psutil
def master_and_workers(port):
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = " ".join(process.info["cmdline"] or [])
        if f":{port}" in words and "gunicorn" in words:
            children = process.children()
            if children and all("gunicorn" in " ".join(c.cmdline()) for c in children):
                return process.pid, [c.pid for c in children]
"""
BY_REPLY = """
import json, psutil, urllib.request
async def master_and_workers(port):
    reply = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
    master = psutil.Process(json.loads(reply)["worker_pid"]).parent()
    return [master.pid, {child.pid for child in master.children()}]
"""
BY_PROC = """
import os, pathlib, psutil
def master_and_workers(port):
    pid = next(c.pid for c in psutil.net_connections() if c.status == "LISTEN"
               and c.laddr.port == port)
    parents = {}
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(words[1])
    master = pid if pid in parents.values() else parents[pid]
    return master, [pid for pid, parent in parents.items() if parent == master]
"""
GRANDPARENT = """
import psutil
def master_and_workers(port):
    pids = []
    for process in psutil.process_iter():
        try:
            if any(c.laddr.port == port for c in process.net_connections()):
                pids.append(process.pid)
        except psutil.Error:
            pass
    master = psutil.Process(min(pids)).ppid()
    return master, pids
"""
# Only this check's own servers: other tests run theirs at the same time.
OTHERS = """
    owner = psutil.Process(os.getppid()).parent()
    named = [p for p in owner.children(recursive=True) if "gunicorn" in str(p.cmdline())]
"""


@bank(
    Right(LISTENERS + "    return top(port).pid, pids(top(port).children())\n"),
    Right(BY_COMMAND_LINE),
    Right(BY_REPLY),
    Right(BY_PROC),
    Wrong("master_and_workers = (1, [2])\n", "not-a-function"),
    Wrong(GRANDPARENT, "one-level-too-high"),
    Wrong(
        LISTENERS + "    first, *others = sorted(listeners(port))\n    return first, others\n",
        "smallest-pid",
    ),
    Wrong(
        LISTENERS + "    first = next(iter(listeners(port).values()))\n"
        "    return first.pid, pids(first.children())\n",
        "smallest-pid",
    ),
    Wrong(
        LISTENERS + "    *others, last = sorted(listeners(port))\n    return last, others\n",
        "a-worker-for-the-master",
    ),
    Wrong(
        LISTENERS + "    return top(port).pid, list(listeners(port))\n",
        "master-among-workers",
    ),
    Wrong(
        LISTENERS + "    return top(port).pid, [top(port).children()[0].pid]\n", "not-all-workers"
    ),
    Wrong(
        LISTENERS + "    workers = pids(top(port).children())\n"
        "    return top(port).pid, [*workers, os.getpid()]\n",
        "other-pids",
    ),
    Wrong(
        LISTENERS + OTHERS + "    master = top(port).pid\n"
        "    return master, [pid for pid in pids(named) if pid != master]\n",
        "all-servers-mixed",
    ),
)
def test_task_2(case):
    judge(check, 2, case, from_cell("master_and_workers"))
