"""Every claim can fail: break what it speaks of, and the lesson turns red.

Each breakage edits a copy of the repository, runs the cells that matter under strict nbval, and
expects the claim itself to say that it did not hold, in the cells named and in no other.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from workerlab.claims import DID_NOT_HOLD
from workerlab.server import ROOT

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Breakage:
    """What is broken, where, and which cells must notice.

    `edits` are (file, text, replacement); the file `lesson` is the notebook itself. `cells` are
    the ids of the code cells to run, `red` those of them that must fail.
    """

    name: str
    lesson: str
    edits: list[tuple[str, str, str]]
    cells: list[str]
    red: set[str]


AWAIT = "        await asyncio.sleep(seconds)"
SLEEP = "        time.sleep(seconds)"
LESSON_1 = ["predict", "imports", "launch", "ready"]
EIGHT = [*LESSON_1, "fetch", "eight"]
LESSON_2 = ["predict", "launch"]
CURES = [*LESSON_2, "cures", "claim-cures"]
LESSON_3 = ["predict", "launch"]
FORTY = [*LESSON_3, "forty", "forty-one", "claim-forty", "claim-last"]
LESSON_4 = ["predict", "launch"]
LESSON_5 = ["predict", "launch", "repeat", "see-repeat"]
IN_TURN = (
    "lesson",
    'await shares(f"{server.url}/slow?seconds=0.05", n=8)',
    "await shares([s.url + '/slow?seconds=0.05' for s in four()], n=2)",
)
FOUR = (
    "lesson",
    "import asyncio\n",
    "import asyncio\nfour = lambda: [Server('uvicorn app.main:app --port {port}', name=n)"
    " for n in '1234']\n",
)
LESSON_6 = ["predict", "imports"]
TIMEOUT = [*LESSON_6, "timeout", "claim-timeout", "claim-replaced", "claim-awaiting"]
MISSPELT = [*LESSON_6, "misspelt", "claim-misspelt", "catch", "claim-catch"]
LESSON_7 = ["imports", "cores", "predict"]
SWEEP = [*LESSON_7, "server", "megabytes", "sweep"]
SHORT = ("lesson", "[1, cores, cores + 1, formula, beyond]", "[1, cores]")
MEMORY = [*LESSON_7, "megabytes", "model", "measure-model", "preload", "claim-memory", "claim-walk"]


def main_py(old: str, new: str) -> tuple[str, str, str]:
    return "app/main.py", old, new


def handler(name: str, old: str, new: str) -> tuple[str, str, str]:
    """An edit inside one handler of the app."""
    source = (ROOT / "app/main.py").read_text()
    body = re.search(rf'@app.get\("{re.escape(name)}"[^\n]*\)\n.*?(?=\n\n\n|\Z)', source, re.DOTALL)
    assert body and old in body[0], f"{name} no longer contains {old!r}"
    return "app/main.py", body[0], body[0].replace(old, new)


BREAKAGES = [
    Breakage(
        "the reply names another process",
        "01_one_worker",
        [handler("/", "os.getpid()", "os.getppid()")],
        [*LESSON_1, "pid"],
        {"pid"},
    ),
    Breakage(
        "the awaiting handler blocks",
        "01_one_worker",
        [handler("/slow-await", AWAIT, SLEEP)],
        [*EIGHT, "claim-overlap", "claim-thread"],
        {"claim-overlap"},
    ),
    Breakage(
        "the awaiting handler runs in the thread pool",
        "01_one_worker",
        [handler("/slow-await", "async def", "def"), main_py(AWAIT, SLEEP)],
        [*EIGHT, "claim-overlap", "claim-thread"],
        {"claim-thread"},
    ),
    Breakage(
        "the handler's clock is wrong",
        "01_one_worker",
        [("workerlab/probe.py", '{"began": time.monotonic()', '{"began": time.monotonic() - 60')],
        [*LESSON_1, "fetch", "one-by-one"],
        {"one-by-one"},
    ),
    Breakage(
        "/slow does not block",
        "02_blocking_the_loop",
        [handler("/slow", SLEEP, AWAIT)],
        [*LESSON_2, "eight", "claim-eight", "health-idle", "health-busy", "claim-health"],
        {"claim-eight", "claim-health"},
    ),
    Breakage(
        "/slow does not block, beside its cures",
        "02_blocking_the_loop",
        [handler("/slow", SLEEP, AWAIT)],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the first cure blocks",
        "02_blocking_the_loop",
        [handler("/slow-await", AWAIT, SLEEP)],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the second cure blocks",
        "02_blocking_the_loop",
        [handler("/slow-def", "def slow", "async def slow")],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the third cure blocks",
        "02_blocking_the_loop",
        [handler("/slow-to-thread", "await run_in_threadpool(time.sleep, seconds)", SLEEP.strip())],
        CURES,
        {"claim-cures"},
    ),
    Breakage(
        "the pool has more than 40 tokens",
        "03_the_thread_pool",
        [main_py("    yield\n", "    limiter.total_tokens = 60\n    yield\n")],
        FORTY,
        {"claim-forty", "claim-last"},
    ),
    Breakage(
        "the pool has fewer than 40 tokens",
        "03_the_thread_pool",
        [main_py("    yield\n", "    limiter.total_tokens = 20\n    yield\n")],
        FORTY,
        {"claim-forty"},
    ),
    Breakage(
        "$THREADS is not read",
        "03_the_thread_pool",
        [main_py('if "THREADS" in os.environ', 'if "THREDS" in os.environ')],
        [*LESSON_3, "more-launch", "claim-more"],
        {"claim-more"},
    ),
    Breakage(
        "computing handlers only wait",
        "03_the_thread_pool",
        [main_py("    end = time.thread_time() + seconds\n", "    return time.sleep(seconds)\n")],
        [*LESSON_3, "cpu", "claim-cpu"],
        {"claim-cpu"},
    ),
    Breakage(
        "every worker has a socket of its own",
        "04_many_workers",
        [
            (
                "workerlab/server/launch.py",
                '["--control-socket"',
                '["--reuse-port", "--control-socket"',
            )
        ],
        [*LESSON_4, "socket", "socket-claim"],
        {"socket", "socket-claim"},
    ),
    Breakage(
        "one worker and not four",
        "04_many_workers",
        [("lesson", "--workers 4", "--workers 1")],
        [*LESSON_4, "four", "claim-four", "claim-master"],
        {"claim-four"},
    ),
    Breakage(
        "the master seems to answer",
        "04_many_workers",
        [
            (
                "workerlab/probe.py",
                "{os.getpid()}",
                "{os.getpid() if moment == 'started' else os.getppid()}",
            )
        ],
        [*LESSON_4, "four", "claim-master"],
        {"claim-master"},
    ),
    Breakage(
        "the master replaces all workers and not the dead one alone",
        "04_many_workers",
        [("lesson", "os.kill(before[0], signal.SIGKILL)", "server.signal('HUP')")],
        [*LESSON_4, "kill", "claim-kill"],
        {"claim-kill"},
    ),
    Breakage(
        "the eight are sent in turn",
        "05_who_gets_the_request",
        [FOUR, IN_TURN],
        [*LESSON_5, "claim-shared"],
        {"claim-shared"},
    ),
    Breakage(
        "the pinned requests do not block",
        "05_who_gets_the_request",
        [handler("/slow", SLEEP, AWAIT)],
        ["launch", "connect", "send", "claim-pinned", "close"],
        {"claim-pinned"},
    ),
    Breakage(
        "the eight of --reuse-port are sent in turn",
        "05_who_gets_the_request",
        [FOUR, (IN_TURN[0], IN_TURN[1].replace("server.url", "own_sockets.url"), IN_TURN[2])],
        [*LESSON_5, "reuse", "round", "see-ways", "claim-hash"],
        {"claim-hash"},
    ),
    Breakage(
        "the client goes round two of four servers",
        "05_who_gets_the_request",
        [("lesson", "for s in servers]", "for s in servers[:2] * 2]")],
        [*LESSON_5, "reuse", "round", "see-ways", "claim-turn"],
        {"claim-turn"},
    ),
    Breakage(
        "$WORKERS is not read",
        "06_the_config_file",
        [("app/gunicorn_conf.py", 'os.environ.get("WORKERS")', "None")],
        [*LESSON_6, "workers", "claim-workers"],
        {"workers", "claim-workers"},
    ),
    Breakage(
        "a worker class that honours access_log_format",
        "06_the_config_file",
        [("app/gunicorn_conf.py", '"uvicorn_worker.UvicornWorker"', '"asgi"')],
        [*LESSON_6, "log", "claim-log"],
        {"log", "claim-log"},
    ),
    Breakage(
        "no formatter of its own",
        "06_the_config_file",
        [("lesson", "handler.setFormatter(form)", "pass")],
        [*LESSON_6, "log-cure", "log-own", "claim-log-cure"],
        {"claim-log-cure"},
    ),
    Breakage(
        "the blocking handler awaits",
        "06_the_config_file",
        [handler("/slow", SLEEP, AWAIT), ("lesson", ", gone=before[0]", "")],
        TIMEOUT,
        {"claim-timeout", "claim-replaced"},
    ),
    Breakage(
        "the awaiting handler blocks, under timeout",
        "06_the_config_file",
        [handler("/slow-await", AWAIT, SLEEP)],
        TIMEOUT,
        {"claim-awaiting"},
    ),
    Breakage(
        "no worker is recycled",
        "06_the_config_file",
        [("lesson", "--max-requests 30 --max-requests-jitter 15", "--max-requests 0")],
        [*LESSON_6, "recycle", "claim-recycle"],
        {"claim-recycle"},
    ),
    Breakage(
        "keepalive is the same for both",
        "06_the_config_file",
        [("lesson", "--keep-alive 2", "--keep-alive 1")],
        [*LESSON_6, "keepalive", "claim-keepalive"],
        {"claim-keepalive"},
    ),
    Breakage(
        "the setting is spelt right",
        "06_the_config_file",
        [("lesson", "nwokers = 3", "nworkers = 3")],
        MISSPELT,
        {"misspelt", "claim-misspelt", "catch", "claim-catch"},
    ),
    Breakage(
        "one worker computes in threads",
        "07_how_many_workers",
        [SHORT, handler("/cpu", "async def", "def")],
        [*SWEEP, "claim-overlap"],
        {"claim-overlap"},
    ),
    Breakage(
        "computing handlers compute nothing",
        "07_how_many_workers",
        [
            SHORT,
            ("lesson", "cores == 1 or others > 30", "True"),
            main_py("    end = time.thread_time() + seconds\n", "    return\n"),
        ],
        [*SWEEP, "reveal", "claim-growth", "claim-bound"],
        {"claim-bound"},
    ),
    Breakage(
        "no worker is added",
        "07_how_many_workers",
        [
            SHORT,
            ("lesson", 'server.signal("TTIN")', "continue"),
            ("lesson", "cores == 1 or others > 30", "False"),
            ("lesson", "computing[cores]", "computing[counts[1]]"),
        ],
        [*SWEEP, "claim-growth"],
        {"claim-growth"},
    ),
    Breakage(
        "the awaiting handler blocks, in a sweep",
        "07_how_many_workers",
        [SHORT, handler("/slow-await", AWAIT, SLEEP)],
        [*SWEEP, "claim-await"],
        {"claim-await"},
    ),
    Breakage(
        "latencies are halved",
        "07_how_many_workers",
        [
            SHORT,
            (
                "workerlab/records.py",
                "self.received - self.sent",
                "(self.received - self.sent) / 2",
            ),
        ],
        [*SWEEP, "claim-await", "claim-little"],
        {"claim-little"},
    ),
    Breakage(
        "time that passes is taken for the client's CPU time",
        "07_how_many_workers",
        [SHORT, ("workerlab/load.py", "time.process_time()", "time.monotonic()")],
        [*SWEEP, "claim-client"],
        {"claim-client"},
    ),
    Breakage(
        "no preload",
        "07_how_many_workers",
        [("lesson", "{command} --preload", "{command}")],
        MEMORY[:-1],
        {"claim-memory"},
    ),
    Breakage(
        "the list is not walked",
        "07_how_many_workers",
        [("lesson", "sum(1 for value in TABLE if value)", "len(TABLE)")],
        MEMORY,
        {"claim-walk"},
    ),
    Breakage(
        "the affinity is not asked for",
        "07_how_many_workers",
        [("lesson", "len(os.sched_getaffinity(0)))", "0)")],
        ["imports", "ask-cores"],
        {"ask-cores"},
    ),
]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_breakage_turns_the_lesson_red(breakage: Breakage, tmp_path: Path) -> None:
    notebook = copy_and_break(breakage, tmp_path)
    report = run_nbval(notebook, tmp_path)
    failed = {breakage.cells[int(n)] for n in re.findall(r"^FAILED .*::Cell (\d+)", report, re.M)}
    assert failed == breakage.red, report
    claims = [cell for cell in nbformat.read(notebook, as_version=4).cells
              if cell.id in breakage.red and "claim(" in cell.source]  # fmt: skip
    assert report.count(DID_NOT_HOLD) >= len(claims) > 0, report


def test_every_claim_of_lessons_01_to_07_has_a_breakage() -> None:
    covered = {(b.lesson, cell) for b in BREAKAGES for cell in b.red}
    for path in sorted((ROOT / "lessons").glob("0[1-7]_*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code" and re.search(r"^\s*claim\(", cell.source, re.MULTILINE):
                assert (path.stem, cell.id) in covered, f"{path.name}: nothing breaks {cell.id}"


def copy_and_break(breakage: Breakage, folder: Path) -> Path:
    """Copy the repository's code, apply the edits, and write the notebook cut to its cells."""
    # With what is compiled already; what another process is just compiling is left out.
    unfinished = shutil.ignore_patterns("*.pyc.*")
    for name in ("app", "workerlab", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=unfinished)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    notebook = nbformat.read(ROOT / f"lessons/{breakage.lesson}.ipynb", as_version=4)
    by_id = {cell.id: cell for cell in notebook.cells}
    notebook.cells = [by_id[cell] for cell in breakage.cells]
    for file, old, new in breakage.edits:
        if file == "lesson":
            changed = [c for c in notebook.cells if old in c.source]
            assert changed, f"no cell contains {old!r}"
            for cell in changed:
                cell.source = cell.source.replace(old, new)
        else:
            text = (folder / file).read_text()
            assert old in text, f"{file} no longer contains {old!r}"
            (folder / file).write_text(text.replace(old, new))
    (folder / "lessons").mkdir()
    path = folder / f"lessons/{breakage.lesson}.ipynb"
    nbformat.write(notebook, path)
    return path


# jsonschema does without this package, which takes a second of CPU time to import, and no notebook
# holds what it is for: internationalised web addresses.
PYTEST = """
import sys
sys.modules["rfc3987_syntax"] = None
import pytest
sys.exit(pytest.main())
"""


def run_nbval(notebook: Path, folder: Path) -> str:
    """What strict nbval says of the notebook, with the copy's code instead of ours."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", PYTEST, "--nbval", "-rA", "-p", "no:cacheprovider", notebook]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    return done.stdout + done.stderr
