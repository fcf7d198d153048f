"""The bank of exercise 09, task 3: new code into service without a gap."""

import pytest

from tests.answers import Right, Wrong, bank, from_cell, judge
from workerlab.checks.ex09_zero_downtime import check
from workerlab.checks.ex09_zero_downtime.apps import READY
from workerlab.checks.ex09_zero_downtime.task_3_deploy import Seen
from workerlab.records import Record

CELL = """
import json, os, signal, subprocess, time, urllib.request
import psutil

def version(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/version", timeout=5) as reply:
        return json.load(reply)["version"]

def until_new(port, old):
    while version(port) == old:
        time.sleep(0.1)

def deploy(pid, port):
    old = version(port)
"""


def deploying(*lines: str) -> str:
    return CELL + "".join(f"    {line}\n" for line in lines)


def kill(name: str, pid: str = "pid") -> str:
    return f"os.kill({pid}, signal.SIG{name})"


NEW = "until_new(port, old)"
AND_WAITS = """
import asyncio, os, signal
import aiohttp

async def deploy(pid, port):
    async def ask():
        async with aiohttp.request("GET", f"http://127.0.0.1:{port}/") as reply:
            return (await reply.json())["version"]
    old = await ask()
    os.kill(pid, signal.SIGUSR2)
    seen = 0
    while seen < 3:
        await asyncio.sleep(0.05)
        seen += await ask() != old
    os.kill(pid, signal.SIGTERM)
    await asyncio.sleep(0.5)
"""


@bank(
    Wrong("deploy = None\n", "not-a-function"),
    Right(deploying(kill("USR2"), NEW, kill("TERM"))),
    Right(deploying(kill("TTIN"), NEW, kill("TTOU"))),
    Right(AND_WAITS),
    Right(
        deploying(kill("USR2"), NEW, kill("TERM"), "while psutil.pid_exists(pid): time.sleep(0.1)")
    ),
    Wrong(deploying(kill("HUP")), "old-one-left-too-early"),
    # HUP takes the new worker away, too.
    Wrong(deploying(kill("TTIN"), NEW, kill("HUP")), "old-one-left-too-early"),
    Wrong(deploying(kill("USR2"), kill("TERM")), "old-one-left-too-early"),
    Wrong(deploying(kill("USR2"), "time.sleep(1)", kill("TERM")), "old-one-left-too-early"),
    Wrong(deploying(kill("USR2"), NEW), "both-serve"),
    Wrong(deploying(kill("USR2"), NEW, kill("QUIT")), "both-serve"),
    # The old master has one worker, and keeps it.
    Wrong(deploying(kill("USR2"), NEW, kill("TTOU")), "both-serve"),
    Wrong(
        deploying(kill("USR2"), NEW, "psutil.Process(pid).children()[-1].terminate()"),
        "both-serve",
    ),
    Wrong(deploying(kill("USR2"), NEW, kill("KILL")), "both-serve"),
    Wrong(
        deploying(
            "worker = psutil.Process(pid).children()[0]",
            kill("USR2"),
            NEW,
            kill("KILL"),
            "worker.kill()",
        ),
        "cut-off",
    ),
    # The master replaces its worker, which imports the new code only then.
    Wrong(deploying("psutil.Process(pid).children()[0].kill()"), "old-one-left-too-early"),
    # It waits for the request in progress, which ends when the new code is there.
    Wrong(deploying("psutil.Process(pid).children()[0].terminate()"), "old-code"),
    Wrong(deploying("pass"), "old-code"),
    Wrong(
        deploying(
            "words = psutil.Process(pid).cmdline()",
            "env = psutil.Process(pid).environ()",
            "children = psutil.Process(pid).children()",
            kill("KILL"),
            "[child.kill() for child in children]",
            "time.sleep(0.3)",
            "subprocess.Popen(words, env=env, start_new_session=True)",
            "time.sleep(1)",
        ),
        "nobody-listens",
    ),
    # Stopped, then started: but first it finishes the request in progress.
    Wrong(
        deploying(
            "words = psutil.Process(pid).cmdline()",
            kill("TERM"),
            "while psutil.pid_exists(pid): time.sleep(0.1)",
            "subprocess.Popen(words, start_new_session=True)",
        ),
        "nobody-listens",
    ),
    Wrong(deploying(kill("TERM"), "time.sleep(0.5)", "version(port)"), "raises"),
)
def test_task_3(case):
    judge(check, 3, case, from_cell("deploy"))


SIGNAL, IS_READY = "Handling signal: {}\n", READY.format(2) + "\n"


@pytest.mark.parametrize(
    ("log", "left_too_early"),
    [
        (SIGNAL.format("hup") + IS_READY, True),
        (SIGNAL.format("hup") + IS_READY + SIGNAL.format("term"), True),
        ("Shutting down\n" + IS_READY, True),
        (SIGNAL.format("usr2") + IS_READY + SIGNAL.format("term"), False),
        (IS_READY, False),
    ],
)
def test_a_gap_is_the_machines_if_the_old_code_left_in_time(log, left_too_early):
    records = [
        Record(sent=sent, received=sent + 0.1, status=200, reply={"version": version})
        for sent, version in [(0.0, 1), (2.0, 2)]
    ]
    assert Seen(records, log=log).left_too_early == left_too_early
