"""The bank of exercise 10, task 2: once a period, in one of three workers."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex10_shared_state import check

TOP = """
import fcntl, os, socket, sqlite3, threading, time
from pathlib import Path
kept = None
def may_run(period):
"""
FLOCK = (
    TOP
    + """
    global kept
    if kept is None:
        file = open("job.lock", "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        kept = file
    return True
"""
)
# Below the ports of the kit, which another test would be given meanwhile.
SOCKET = (
    TOP
    + """
    global kept
    if kept is None:
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", 12000 + os.getppid() % 8000))
            s.listen()
        except OSError:
            return False
        kept = s
    return True
"""
)
# Whoever writes the number of the period first; no worker has it for good.
CLAIMED = (
    TOP
    + """
    db = sqlite3.connect("runs.db", timeout=30)
    with db:
        db.execute("create table if not exists runs (period integer primary key)")
        return db.execute("insert or ignore into runs values (?)", [period]).rowcount == 1
"""
)
EXCLUSIVE = (
    TOP
    + """
    global kept
    if kept is None:
        try:
            kept = open({name}, "x")
        except FileExistsError:
            return False
    return True
"""
)


def changed(old: str, new: str, source: str = FLOCK) -> str:
    assert old in source
    return source.replace(old, new)


@bank(
    Wrong("may_run = True\n", "not-a-function"),
    Right(FLOCK),
    Right(SOCKET),
    Right(CLAIMED),
    Right(changed("def may_run", "async def may_run")),
    Right(
        TOP + "    try:\n        open(f'{period}', 'x').close()\n    except FileExistsError:\n"
        "        return False\n    return True\n"
    ),
    # The oldest of the workers that live.
    Right(
        TOP
        + """
    import psutil
    workers = psutil.Process().parent().children()
    alive = [w.pid for w in workers if w.status() != psutil.STATUS_ZOMBIE]
    return os.getpid() == min(alive)
"""
    ),
    # One that looks at all processes of the machine, and one that writes down all runs.
    Right(
        TOP
        + """
    import psutil
    alive = []
    for process in psutil.process_iter(["ppid", "status"]):
        if process.info["ppid"] == os.getppid() and process.info["status"] != "zombie":
            alive.append(process.pid)
    return min(alive) == os.getpid()
"""
    ),
    Right(
        TOP
        + """
    with open("runs.txt", "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        runs = []
        for line in file.read().splitlines():
            pid, ran = line.split()
            runs.append((int(pid), int(ran)))
        for pid, ran in runs:
            if ran == period:
                return False
        runs.append((os.getpid(), period))
        file.seek(0)
        file.truncate()
        for pid, ran in runs:
            file.write(f"{pid} {ran}\\n")
        file.flush()
        return True
"""
    ),
    # A transaction that stays open.
    Right(
        TOP
        + """
    global kept
    db = sqlite3.connect("job.db", timeout=0, isolation_level=None, check_same_thread=False)
    try:
        kept = kept or (db.execute("begin exclusive"), db)
    except sqlite3.OperationalError:
        return False
    return True
"""
    ),
    Wrong(TOP + "    return True\n", "more-than-one"),
    Wrong(
        TOP + "    global kept\n    first, kept = kept != period, period\n    return first\n",
        "more-than-one",
    ),
    Wrong(TOP + "    return False\n", "nobody-runs"),
    Wrong(EXCLUSIVE.format(name='"job.lock"'), "nobody-runs"),
    Wrong(
        TOP + "    file = Path(f'run-{period}')\n    if file.exists():\n        return False\n"
        "    file.touch()\n    return True\n",
        "more-than-one",
    ),
    # A key that expires after a minute, as SET job 1 NX PX 60000 makes one.
    Wrong(
        TOP
        + """
    with open("until", "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if float(file.read() or 0) > time.time():
            return False
        file.truncate(0)
        file.write(f"{time.time() + 60}")
        return True
""",
        "nobody-runs",
    ),
    # Each worker has this lock for itself.
    Wrong(
        "import multiprocessing\nlock = multiprocessing.Lock()\n\n"
        "def may_run(period):\n    return lock.acquire(block=False)\n",
        "more-than-one",
    ),
    # The lock goes with the file, which is closed when the function returns.
    Wrong(changed("        kept = file\n", ""), "more-than-one"),
    Wrong(changed(" | fcntl.LOCK_NB", ""), "waits"),
    Wrong(TOP + "    raise SystemExit\n", "raises"),
    Wrong(TOP + "    os._exit(1)\n", "raises"),
    Wrong(changed("BlockingIOError", "FileExistsError"), "raises"),
    Wrong(changed("            return False\n", "            return None\n"), "another-type"),
    Wrong(TOP + "    return os.getpid() % 3 == 4\n", "nobody-runs"),
    Wrong(TOP + "    while True:\n        pass\n", "waits"),
)
def test_task_2(case):
    judge(check, 2, case, from_cell("may_run"))
