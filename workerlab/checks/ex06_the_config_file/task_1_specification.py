"""Exercise 06, task 1: what a server does which runs with the file."""

from pathlib import Path
from typing import Any

from workerlab.checks.config import COMMAND, Refused, misspelt, served, written
from workerlab.checks.ex06_the_config_file.config_specification import (
    EARLIEST,
    LATEST,
    WORKERS,
    environment,
    judge_as_read,
)
from workerlab.checks.ex06_the_config_file.recycling import MOST, requests_until_one_leaves
from workerlab.checks.in_thread import in_thread
from workerlab.checks.verdicts import Verdict, could_not_check, right, wrong
from workerlab.load import burst
from workerlab.records import Record
from workerlab.server.server import Server

SIGNS = 1  # seconds from one sign of life to the next, and a little more
LONGEST_TIMEOUT = 4  # seconds; then a blocked worker is killed within 5
# Seconds that the two handlers take. The specification speaks of awaiting for 7 s; longer than any
# timeout that may stand in the file shows the same, and the verdict comes sooner.
AWAITED, BLOCKED = 4.8, 5.6
RAN = f"WORKERS={WORKERS} {COMMAND}"


def judge_specification(config: Any) -> Verdict:
    """Have Gunicorn read the file, then watch a server that runs with it."""
    try:
        with written(config) as folder:
            (folder / "logs").mkdir()
            verdict, settings = judge_as_read(folder)
            if verdict is not None:
                return verdict
            env = {k: v for k, v in environment(folder, str(WORKERS)).items() if v is not None}
            # The workers are the same, and the app is imported once and not three times.
            with served(folder, f"--preload --workers {WORKERS}", env) as server:
                return _at_work(folder, server, settings)
    except Refused as refused:
        return refused.verdict


def _at_work(folder: Path, server: Server, settings: dict[str, Any]) -> Verdict:
    workers = server.workers
    if len(workers) != WORKERS:
        return could_not_check(f"{len(workers)} of {WORKERS} workers are there; run it again")
    verdict = _replaced(folder, server, settings) or _log_file(
        folder, server, "access", "GET /health"
    )
    if not (folder / "logs" / "error.log").exists():
        verdict = verdict or _log_file(folder, server, "error", "Listening at")
    if verdict is not None:
        return verdict
    # The second request is sent once the first holds its worker, so another takes it.
    urls = [f"/slow?seconds={BLOCKED}", f"/slow-await?seconds={AWAITED}"]
    addresses = [server.url + url for url in urls]
    run = in_thread(burst(addresses, after="began"))
    blocked, awaited = sorted(run.records, key=lambda record: "await" in record.url)
    return (
        _time_limit(folder, blocked, awaited, settings)
        or _log_file(folder, server, "error", "TIMEOUT")
        or right(
            f"{WORKERS} workers, replaced when their time has come or their loop is blocked, and "
            "both logs in their files.",
            RAN,
            f"{_after(blocked)}, and the awaiting request was answered after "
            f"{awaited.latency:.1f} s",
        )
    )


def _replaced(folder: Path, server: Server, settings: dict[str, Any]) -> Verdict | None:
    """Send one worker as many requests as it takes, and judge by when it leaves."""
    low = settings["max_requests"]
    served_by_it = requests_until_one_leaves(server, 1.5 if low else 0.0)
    high = low + settings["max_requests_jitter"]
    details = {
        "ran": f"{RAN}\nand up to {MOST} requests to one worker",
        "came_back": f"the worker left after {served_by_it} requests"
        if served_by_it
        else "the worker was still there",
        "expected": f"replaced after {EARLIEST} requests at the earliest, {LATEST} at the latest, "
        "and not all after the same number",
    }
    if low == 0:
        return misspelt(folder, **details) or wrong(
            "never-replaced",
            "The worker is not replaced, however many requests it serves.",
            "Which setting says after how many, and what does the jitter do without it?",
            **details,
        )
    details["came_back"] += f"\nGunicorn reads from {low} to {high} requests"
    if low < EARLIEST:
        return wrong(
            "too-soon",
            f"A worker may be replaced after {low} requests already.",
            "Is the jitter added to the other number, or taken away from it?",
            **details,
        )
    if high > LATEST:
        return wrong(
            "jitter-on-top" if low <= LATEST else "too-late",
            f"A worker may serve up to {high} requests.",
            "Is the jitter added to the other number, or taken away from it?",
            **details,
        )
    if low == high:
        return misspelt(folder, **details) or wrong(
            "all-at-once",
            f"Every worker leaves after {low} requests. Under even load they do so together.",
            "Which setting gives each worker a number of its own?",
            **details,
        )
    if served_by_it is None:
        return could_not_check("the worker did not leave in time; is the machine busy?")
    return None


def _log_file(folder: Path, server: Server, name: str, words: str) -> Verdict | None:
    """The verdict on a log which is not where it is to be."""
    files = {path.name: path.read_text(errors="replace") for path in folder.glob("logs/*")}
    details = {
        "ran": RAN,
        "came_back": f"in the folder: {', '.join(sorted(files)) or 'nothing'}",
        "expected": f"{name}.log in the folder that LOGS names",
    }
    if words in files.get(f"{name}.log", ""):
        return None
    if any(words in text for text in files.values()):
        return wrong(
            "log-in-another-file",
            f"The {name} log is in a file of another name.",
            "Which of the two settings names which file?",
            **details,
        )
    if words in server.log:
        return wrong(
            "log-to-the-terminal",
            f"The {name} log goes to the terminal.",
            'What does "-" stand for, and what holds when the file says nothing of this log?',
            **details,
        )
    return misspelt(folder, **details) or wrong(
        f"no-{name}-log",
        f"There is no {name} log.",
        "Which setting switches it on, and what holds when the file says nothing of it?",
        **details,
    )


def _time_limit(
    folder: Path, blocked: Record, awaited: Record, settings: dict[str, Any]
) -> Verdict | None:
    timeout = settings["timeout"]
    details = {
        "ran": f"{RAN}\na request which blocks its worker for {BLOCKED:g} s, and one which awaits "
        f"{AWAITED:g} s in another",
        "came_back": f"timeout = {timeout}: {_after(blocked)}; the awaiting one "
        f"{'was answered' if awaited.ok else awaited.error}",
        "expected": "the blocked worker killed within 5 s, the awaiting request answered",
    }
    if timeout == 0:
        return wrong(
            "timeout-off",
            "Nobody looks whether a worker still lives.",
            "Does 0 stand for no time at all, or for no limit?",
            **details,
        )
    if timeout > LONGEST_TIMEOUT:
        return misspelt(folder, **details) or wrong(
            "timeout-too-long",
            f"A worker may be blocked for up to {timeout + 1} s before it is killed.",
            "How old may a worker's last sign of life be, and how often does the master look?",
            **details,
        )
    if timeout <= SIGNS:
        return wrong(
            "timeout-too-short",
            f"A healthy worker gives a sign of life every {SIGNS} s or so. It may be killed too.",
            "How old may the last sign of an idle worker be, and of one on a busy machine?",
            **details,
        )
    if blocked.ok or not awaited.ok:
        return could_not_check(f"{details['came_back']}: is the machine busy? Run it again")
    return None


def _after(blocked: Record) -> str:
    if blocked.ok:
        return f"the blocked worker was not killed, and answered after {blocked.latency:.1f} s"
    return f"the blocked worker was killed after {blocked.latency:.1f} s"
