"""What the app opens when it is imported: under --preload all workers share it, or miss it."""

import psutil

from workerlab.report.app import running
from workerlab.report.experiments.context import Context
from workerlab.report.experiments.several import WORKERS, with_gunicorn
from workerlab.report.findings import Finding, Weight


def find(context: Context) -> list[Finding]:
    """Start with --preload; look at threads before the fork, and connections after it.

    Raises CannotRun if Gunicorn is not installed there.
    """
    words = with_gunicorn(context)
    with running(context.reader, words, workers=WORKERS, forks=True, preload=True) as app:
        master, workers = app.master, app.workers
        forks = [note for note in app.notes("fork") if note["pid"] == master]
        threads = max((note["threads"] for note in forks[:WORKERS]), default=0)
        shared = shared_connections(master, workers)
    if not threads and not shared:
        seen = "No thread ran at the fork, and no connection was open."
        return [finding("fine", "Nothing is opened before the fork", seen, "Nothing.", {})]
    parts = []
    if threads:
        count = "One thread" if threads == 1 else f"{threads} threads"
        parts.append(f"{count} of the app's ran when the master forked.")
    if shared:
        ports = ", ".join(str(port) for port in sorted(set(shared)))
        parts.append(f"All workers share {len(shared)} open connections, to port {ports}.")
    figures = {"threads": threads, "shared_connections": len(shared)}
    what = ["threads are lost"] if threads else []
    what += ["connections are shared"] if shared else []
    title = " and ".join(what)
    advice = (
        "Start threads and open connections in the lifespan, which runs in each worker, instead of "
        "at import. Or don't preload: then each worker imports the app by itself."
    )
    is_preloaded = context.description.get("is_preloaded")
    weight = "serious" if shared and is_preloaded else "worth knowing"
    return [finding(weight, f"With --preload, {title}", " ".join(parts), advice, figures)]


def finding(weight: Weight, title: str, seen: str, do: str, figures: dict) -> Finding:
    done = f"Gunicorn with --preload and {WORKERS} workers, looked at right after the start."
    return Finding("before-the-fork", weight, title, done, seen, do, "10", figures=figures)


def shared_connections(master: int, workers: list[int]) -> list[int]:
    """The remote ports of connections that the master and all workers hold."""
    held = [connections_of(pid) for pid in [master, *workers]]
    common = set.intersection(*held) if held else set()
    return [port for *_, port in common]


def connections_of(pid: int) -> set[tuple[int, str, int]]:
    """Local port, remote address and port of each open connection."""
    try:
        found = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error:
        return set()
    return {
        (one.laddr.port, one.raddr.ip, one.raddr.port)
        for one in found
        if one.raddr and one.status == psutil.CONN_ESTABLISHED
    }
