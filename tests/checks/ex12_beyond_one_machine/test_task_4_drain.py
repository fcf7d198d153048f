"""The bank of exercise 12, task 4."""

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex12_beyond_one_machine import check

START = """
import os, signal, time
from pathlib import Path
import psutil

def gone(*pids):
    while any(psutil.pid_exists(p) and psutil.Process(p).status() != "zombie" for p in pids):
        time.sleep(0.05)

def drain(nginx, file, host, port):
    file = Path(file)
    old = [child.pid for child in psutil.Process(nginx).children()]
"""
DOWN = """
    file.write_text(file.read_text().replace(f"127.0.0.1:{port};", f"127.0.0.1:{port} down;"))
"""
BOTH_DOWN = """
    text = file.read_text()
    for line in [line for line in text.splitlines() if "    server 127" in line]:
        text = text.replace(line, line.replace(";", " down;"))
    file.write_text(text)
"""
REMOVED = """
    lines = file.read_text().splitlines()
    file.write_text("\\n".join(line for line in lines if f"127.0.0.1:{port};" not in line))
"""
HUP = """
    os.kill(nginx, signal.SIGHUP)
"""
WAIT = """
    gone(*old)
"""
TERM = """
    os.kill(host, signal.SIGTERM)
    gone(host)
"""


@bank(
    Right(START + DOWN + HUP + WAIT + TERM),
    Right(START + REMOVED + HUP + WAIT + TERM.replace("TERM", "KILL")),
    # Until the host has no connection left.
    Right(
        START
        + DOWN
        + HUP
        + """
    time.sleep(0.5)
    while any(c.status == "ESTABLISHED" for c in psutil.Process(host).net_connections("tcp")):
        time.sleep(0.1)
"""
        + TERM
    ),
    # A request takes three seconds at most, whatever else is known of it.
    Right(START + DOWN + HUP + "\n    time.sleep(3.2)\n" + TERM),
    Wrong(START + TERM, "nobody-knew"),
    Wrong(START + TERM + DOWN + HUP, "left-too-early"),
    Wrong(START + DOWN + WAIT.replace("*old", "") + TERM, "nobody-knew"),
    Wrong(START + DOWN + HUP + TERM, "left-too-early"),
    Wrong(START + REMOVED + HUP + TERM, "left-too-early"),
    Wrong(START + DOWN + HUP + "\n    time.sleep(1)\n" + TERM, "left-too-early"),
    Wrong(START + "\n    time.sleep(2.6)\n" + TERM + DOWN + HUP, "left-too-early"),
    Wrong(START + DOWN.replace("down;", "down") + HUP + TERM, "file-not-accepted"),
    Wrong(START + DOWN + HUP + WAIT, "still-there"),
    Wrong(START + DOWN + HUP + WAIT + TERM.replace("host", "nginx"), "no-proxy-left"),
    Wrong(START + BOTH_DOWN + HUP + WAIT + TERM, "nobody-left"),
    Wrong(START + HUP + WAIT + TERM, "nobody-knew"),
    Wrong(START + DOWN.replace("{port};", "{host};") + HUP + WAIT + TERM, "nobody-knew"),
    Wrong(START + DOWN + "\n    nginx.reload()\n", "raises"),
    Wrong("def drain(nginx, file, host, port):\n    while True:\n        pass", "never-ends"),
)
def test_task_4(case):
    judge(check, 4, case, from_cell("drain"))
