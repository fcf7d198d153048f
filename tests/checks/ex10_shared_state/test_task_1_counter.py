"""The bank of exercise 10, task 1: a counter over four workers."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex10_shared_state import check

TOP = """
import fcntl, itertools, os, sqlite3, threading, time
from pathlib import Path
from fastapi import FastAPI
app = FastAPI()
FILE, LOCK, n = Path("counter"), threading.Lock(), 0
def read():
    return int(FILE.read_text() or 0) if FILE.exists() else 0

@app.post("/count")
"""
PLAIN = TOP + "def count():\n"
READ_AND_WRITE = """
        n = read() + 1
        FILE.write_text(str(n))
        return {"count": n}
"""
SQLITE = (
    PLAIN
    + """
    db = sqlite3.connect("counter.db", timeout=30, isolation_level=None)
    db.execute("create table if not exists counter (id integer primary key, n integer)")
"""
)
KEPT_BY_ONE = (
    TOP.replace(
        '@app.post("/count")',
        """
from multiprocessing.connection import Client, Listener

def keep(listener):
    for number in itertools.count(1):
        with listener.accept() as client:
            client.send(number)

@app.post("/count")""",
    )
    + """def count():
    with open("lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            client = Client("kept.sock")
        except OSError:
            Path("kept.sock").unlink(missing_ok=True)
            threading.Thread(target=keep, args=[Listener("kept.sock")], daemon=True).start()
            client = Client("kept.sock")
        with client:
            return {"count": client.recv()}
"""
)
UPSERT = "insert into counter values (1, 1) on conflict do update set n = n + 1 returning n"


@bank(
    Wrong("count = 1\n", "not-a-function"),
    Right(
        PLAIN + '    with open("lock", "w") as lock:\n'
        "        fcntl.flock(lock, fcntl.LOCK_EX)" + READ_AND_WRITE
    ),
    Right(SQLITE + f'    return {{"count": db.execute("{UPSERT}").fetchone()[0]}}\n'),
    Right(
        SQLITE
        + """
    db.execute("begin immediate")
    row = db.execute("select n from counter").fetchone()
    n = row[0] + 1 if row else 1
    db.execute("insert or replace into counter values (1, ?)", [n])
    db.execute("commit")
    return {"count": n}
"""
    ),
    # One byte for each request, in a file that is locked: its length is the number.
    Right(
        TOP + "async def count():\n"
        '    with open("length", "ab") as file:\n'
        "        fcntl.lockf(file, fcntl.LOCK_EX)\n"
        '        file.write(b".")\n'
        "        file.flush()\n"
        '        return {"count": os.fstat(file.fileno()).st_size}\n'
    ),
    # Rows that are never deleted number themselves.
    Right(
        PLAIN
        + """
    db = sqlite3.connect("rows.db", timeout=30)
    with db:
        db.execute("create table if not exists visits (n integer primary key)")
        return {"count": db.execute("insert into visits values (null)").lastrowid}
"""
    ),
    Wrong(PLAIN + '    global n\n    n += 1\n    return {"count": n}\n', "each-its-own"),
    Wrong(
        TOP + 'async def count():\n    global n\n    n += 1\n    return {"count": n}\n',
        "each-its-own",
    ),
    Wrong(
        PLAIN + '    global n\n    with LOCK:\n        n += 1\n        return {"count": n}\n',
        "each-its-own",
    ),
    Wrong(PLAIN + "    if True:" + READ_AND_WRITE, "lost-updates"),
    Wrong(PLAIN + "    with LOCK:" + READ_AND_WRITE, "lost-updates"),
    Wrong(TOP + "async def count():\n    if True:" + READ_AND_WRITE, "lost-updates"),
    Wrong(
        PLAIN + "    FILE.write_text(str(read() + 1))\n    return {'count': read()}\n",
        "lost-updates",
    ),
    Wrong(
        SQLITE
        + """
    row = db.execute("select n from counter").fetchone()
    n = row[0] + 1 if row else 1
    db.execute("insert or replace into counter values (1, ?)", [n])
    return {"count": n}
""",
        "lost-updates",
    ),
    # The step is atomic, but what is returned is read in another one.
    Wrong(
        SQLITE
        + f"""
    db.execute("{UPSERT.removesuffix(" returning n")}")
    return {{"count": db.execute("select n from counter").fetchone()[0]}}
""",
        "lost-updates",
    ),
    # The lock is taken after reading.
    Wrong(
        PLAIN
        + """
    n = read() + 1
    with open("lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        FILE.write_text(str(n))
    return {"count": n}
""",
        "lost-updates",
    ),
    Wrong(PLAIN + '    return {"count": time.time_ns()}\n', "not-one-by-one"),
    # Whoever comes first keeps the number in its own memory, and the others ask it.
    Wrong(KEPT_BY_ONE, "not-outlived"),
    Wrong(PLAIN + "    return 1\n", "no-count"),
    Wrong(PLAIN + '    return {"count": "1"}\n', "no-count"),
    Wrong(PLAIN + "    n = n + 1\n    return {'count': n}\n", "raises"),
    Wrong(PLAIN.replace("/count", "/counter") + "    return 1\n", "endpoint-missing"),
)
def test_task_1(case):
    judge(check, 1, case, from_cell("count"))
