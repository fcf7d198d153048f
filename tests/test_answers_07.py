"""The bank of answers to exercise 07: each wrong one has its own misconception."""

import gc
from typing import Any

import pytest

from tests.answers import CellFunction, Right, Wrong, judge
from tests.nbval_adapter import ALLOWED, is_allowed
from workerlab.checks.ex07_how_many_workers import task_3_preloading
from workerlab.checks.ex07_how_many_workers.memory import tells_pss
from workerlab.checks.ex07_how_many_workers.tasks import check
from workerlab.claims import NOT_MEASURABLE

pytestmark = pytest.mark.slow

HEAD = "import math, os\ndef recommend_workers(cores, computing, worker_mb, memory_mb):\n"
CHECKED = (
    HEAD + "    if cores <= 0: raise ValueError('cores')\n"
    "    if not 0 < computing <= 1: raise ValueError('computing')\n"
    "    if worker_mb <= 0: raise ValueError('worker_mb')\n"
    "    if memory_mb < worker_mb: raise ValueError('memory_mb')\n"
)
ENOUGH = "math.ceil(cores / computing)"
FITS = "math.floor(memory_mb / worker_mb)"
ANSWER = f"    return min({ENOUGH}, {FITS})\n"


def recommended(enough: str, fits: str = FITS) -> str:
    return f"{CHECKED}    return min({enough}, {fits})\n"


def unchecked(old: str, new: str = "") -> str:
    assert old in CHECKED
    return CHECKED.replace(old, new) + ANSWER


RECOMMENDATIONS = [
    Right(CHECKED + ANSWER),
    Right(recommended("int(-(-cores // computing))", "int(memory_mb // worker_mb)")),
    Right(recommended("math.ceil(cores * (1 + (1 - computing) / computing))")),
    Right(
        CHECKED + "    n = 1\n"
        "    while n * computing < cores and (n + 1) * worker_mb <= memory_mb:\n"
        "        n += 1\n    return n\n"
    ),
    Right(
        HEAD.replace("math", "numpy as np")
        + "    wrong = {'cores': cores <= 0, 'computing': computing <= 0 or computing > 1,\n"
        "             'worker_mb': worker_mb <= 0, 'memory_mb': memory_mb < worker_mb}\n"
        "    for name, is_wrong in wrong.items():\n"
        "        if is_wrong: raise ValueError(f'{name} cannot be right')\n"
        "    return int(max(1, min(np.ceil(cores / computing), np.floor(memory_mb / worker_mb))))\n"
    ),
    Wrong(HEAD + "    return 2 * cores + 1\n", "two-n-plus-one"),
    Wrong(recommended("int(2 * cores + 1)"), "two-n-plus-one"),
    Wrong(HEAD + "    return 2 * os.cpu_count() + 1\n", "own-machine"),
    Wrong(recommended("math.ceil(os.cpu_count() / computing)"), "own-machine"),
    Wrong(recommended("math.ceil(cores)"), "computing-ignored"),
    Wrong(recommended("math.ceil(cores * computing)"), "multiplies"),
    Wrong(recommended("math.ceil(1 / computing)"), "cores-ignored"),
    Wrong(recommended(f"{ENOUGH} + 1"), "one-too-many"),
    Wrong(CHECKED + "    return 4\n", "always-the-same"),
    Wrong(CHECKED + f"    return {FITS}\n", "fills-the-memory"),
    Wrong(CHECKED + f"    return max({ENOUGH}, {FITS})\n", "takes-the-larger"),
    Wrong(recommended("int(cores / computing)"), "rounds-down"),
    Wrong(recommended("max(1, math.floor(cores / computing))"), "rounds-down"),
    Wrong(recommended("max(1, round(cores / computing))"), "rounds-to-the-nearest"),
    Wrong(recommended("math.ceil(int(cores) / computing)"), "cuts-the-quota"),
    Wrong(recommended("math.ceil(cores) * math.ceil(1 / computing)"), "rounds-too-early"),
    Wrong(CHECKED + f"    return {ENOUGH}\n", "memory-ignored"),
    Wrong(recommended(ENOUGH, "math.ceil(memory_mb / worker_mb)"), "rounds-the-memory-up"),
    Wrong(CHECKED + f"    return max(1, min({ENOUGH}, {FITS} - 1))\n", "leaves-room-for-one"),
    Wrong(recommended(ENOUGH, f"{FITS} + 2"), "over-the-memory"),
    Wrong(recommended(f"{ENOUGH} + (cores > 10)"), "another-number"),
    Wrong(recommended("cores / computing", "memory_mb / worker_mb"), "returns-a-float"),
    Wrong(CHECKED + f"    return float(min({ENOUGH}, {FITS}))\n", "returns-a-float"),
    Wrong(CHECKED + f"    return str(min({ENOUGH}, {FITS}))\n", "text-not-number"),
    Wrong(CHECKED + f"    return [{ENOUGH}, {FITS}]\n", "another-type"),
    Wrong(CHECKED + f"    print(min({ENOUGH}, {FITS}))\n", "nothing-returned"),
    Wrong(unchecked("<= 1:", "< 1:"), "refuses-computing-of-one"),
    Wrong(unchecked("cores <= 0", "cores < 1"), "refuses-less-than-a-core"),
    Wrong(unchecked("memory_mb < worker_mb", "memory_mb <= worker_mb"), "refuses-an-exact-fit"),
    Wrong(unchecked("cores <= 0", "cores != int(cores)"), "refuses-good-numbers"),
    Wrong(
        HEAD + "    cores, worker_mb = max(cores, 0.1), max(worker_mb, 1)\n"
        "    computing = min(max(computing, 0.01), 1)\n"
        f"    return max(1, min({ENOUGH}, {FITS}))\n",
        "clamps-instead-of-raising",
    ),
    Wrong(unchecked("raise ValueError('memory_mb')", "return 0"), "clamps-instead-of-raising"),
    Wrong(CHECKED.replace("raise ValueError(", "return (") + ANSWER, "returns-the-error"),
    Wrong(unchecked("not 0 < computing <= 1", "computing > 1"), "leaves-it-to-python"),
    Wrong(CHECKED.replace("ValueError(", "RuntimeError(") + ANSWER, "another-exception"),
    Wrong(unchecked("'worker_mb'", "'bad value'"), "does-not-say-which"),
    Wrong(HEAD + "    return sqrt(cores)\n", "needs-another-cell"),
    Wrong(HEAD + "    return cores[0]\n", "raises"),
    Wrong(HEAD + "    __import__('time').sleep(600)\n", "never-ends"),
    Wrong(HEAD + "    os._exit(3)\n", "ends-the-process"),
    Wrong(
        "import subprocess\n" + HEAD + "    subprocess.Popen(['sleep', '600'])\n",
        "nothing-returned",
    ),
    Wrong("recommend_workers = 5\n", "not-a-function"),
]

READ = (
    "def binding(sweep, cores, memory_mb):\n"
    "    before, last = sweep[-2:]\n"
    "    grows = last['throughput'] > 1.1 * before['throughput']\n"
    "    one_more = 2 * last['memory_mb'] - before['memory_mb']\n"
)
CPU = "    if last['workers_cpu'] > 0.9 * cores: return 'cpu'\n"
CLIENT = "    if last['client_cpu'] > 0.9: return 'client'\n"
MEMORY = "    if grows and one_more > memory_mb: return 'memory'\n"
FULL = "    if one_more > memory_mb: return 'memory'\n"
WAITING = "    return 'waiting'\n"

BINDINGS = [
    Right(READ + CPU + CLIENT + MEMORY + WAITING),
    Right(READ + MEMORY + CLIENT + CPU + WAITING),
    Right(
        READ + "    if grows: return 'Memory'\n"
        "    shares = {'cpu': last['workers_cpu'] / cores, 'client': last['client_cpu'],\n"
        "              'waiting': 0.9}\n"
        "    return max(shares, key=shares.get)\n"
    ),
    Right(
        "def binding(sweep, cores, memory_mb):\n"
        "    top = max(row['throughput'] for row in sweep)\n"
        "    if max(row['client_cpu'] for row in sweep) >= 0.9: return 'client'\n"
        "    if max(row['workers_cpu'] for row in sweep) >= 0.9 * cores: return 'cpu'\n"
        "    return 'memory' if sweep[-2]['throughput'] < 0.9 * top else 'waiting'\n"
    ),
    Wrong(READ + "    return 'memory' if grows else 'cpu'\n", "flat-means-cpu"),
    Wrong(READ + CPU + MEMORY + WAITING, "client-not-seen"),
    Wrong(READ + CLIENT + MEMORY + "    return 'cpu'\n", "flat-means-cpu"),
    Wrong(READ + CPU + MEMORY.replace("memory'\n", "memory'\n") + CLIENT, "nothing-returned"),
    Wrong(READ + CPU + CLIENT + WAITING, "growth-not-seen"),
    Wrong(READ + CPU + CLIENT + FULL + WAITING, "memory-though-flat"),
    Wrong(READ + FULL + CPU + CLIENT + WAITING, "memory-though-flat"),
    Wrong(
        READ + CPU + CLIENT + "    if grows and last['memory_mb'] > 0.9 * memory_mb:\n"
        "        return 'memory'\n" + WAITING,
        "waits-for-the-last-megabyte",
    ),
    Wrong(READ + CPU.replace("0.9 * cores", "0.9") + CLIENT + MEMORY + WAITING, "one-core-is-full"),
    Wrong(READ + CPU.replace("> 0.9 *", ">=") + CLIENT + MEMORY + WAITING, "never-quite-full"),
    Wrong(
        READ + CPU.replace("last", "sweep[0]") + CLIENT + MEMORY + WAITING,
        "first-row-only",
    ),
    Wrong(
        READ + CPU.replace("* cores", "* max(1, cores)") + CLIENT + MEMORY + WAITING,
        "quota-overlooked",
    ),
    Wrong(
        READ + MEMORY + "    if max(last['workers_cpu'], last['client_cpu']) < 0.4: "
        "return 'waiting'\n"
        "    return 'cpu' if last['workers_cpu'] > last['client_cpu'] else 'client'\n",
        "larger-share-wins",
    ),
    Wrong(
        READ + CPU + "    if last['client_cpu'] > 0.9 * cores: return 'client'\n"
        "    return 'memory' if grows else 'cpu'\n",
        "flat-means-cpu",
    ),
    Wrong(
        READ + CLIENT.replace("'client'\n", "'cpu'\n") + CPU + MEMORY + WAITING,
        "client-taken-for-cpu",
    ),
    Wrong(READ + CPU + CLIENT + "    return 'memory'\n", "waiting-not-seen"),
    Wrong(
        READ + "    if last['memory_mb'] > 300: return 'memory'\n" + CPU + CLIENT + WAITING,
        "memory-before-the-rest",
    ),
    Wrong(READ + "    return 'cpu'\n", "always-the-same"),
    Wrong(
        READ + "    known = {97: 'cpu', 79: 'waiting', 2400: 'client', 60: 'memory'}\n"
        "    near = min(known, key=lambda x: abs(x - last['throughput']))\n"
        "    return known[near] if abs(near - last['throughput']) < 3.5 else 'cpu'\n",
        "only-the-sweeps-shown",
    ),
    Wrong(READ + "    return ['cpu', 'memory']\n", "more-than-one"),
    Wrong(READ + "    return 'the CPU'\n", "other-words"),
    Wrong(READ + CPU + CLIENT + MEMORY, "nothing-returned"),
    Wrong(READ + "    return object()\n", "other-words"),
    Wrong(READ + "    return last['cpu']\n", "raises"),
    Wrong(READ + "    return name\n", "needs-another-cell"),
    Wrong(READ + "    __import__('time').sleep(600)\n", "never-ends"),
    Wrong(READ + "    exit()\n", "ends-the-process"),
    Wrong("binding = 'cpu'\n", "not-a-function"),
]

APP = """
from array import array
from fastapi import FastAPI

app = FastAPI(LIFESPAN)
data = DATA
app.add_api_route("/read", lambda: float(sum(data)))


@app.get("/write")
def write():
    WRITE
"""
PRELOAD = "preload_app = True"
ARRAY = "array('d', [1.0]) * 5_000_000"
EACH_PAGE = "for i in range(0, len(data), 100): data[i] += 1"
START_UP = """
from contextlib import asynccontextmanager
@asynccontextmanager
async def lifespan(app):
    BODY
    yield
"""


def served(data: str = ARRAY, write: str = EACH_PAGE, setting: Any = PRELOAD) -> tuple[Any, str]:
    source = APP.replace("LIFESPAN", "").replace("DATA", data).replace("WRITE", write)
    return setting, source


def changed(old: str, new: str, before: str = "", setting: Any = PRELOAD) -> tuple[Any, str]:
    source = served()[1]
    assert old in source
    return setting, before + source.replace(old, new)


def in_lifespan(body: str, data: str) -> tuple[str, str]:
    source = APP.replace("LIFESPAN", "lifespan=lifespan").replace("DATA", data)
    return PRELOAD, START_UP.replace("BODY", body) + source.replace("WRITE", EACH_PAGE)


IN_HANDLER = "lambda: (data or data.extend(array('d', [1.0]) * 5_000_000), sum(data))[1]"
MAPPED = (
    "import mmap\nblock = mmap.mmap(-1, 40_000_000)\nblock.write(b'\\1' * 40_000_000)\n"
    "data = memoryview(block).cast('d')"
)

APPS = [
    Right(served()),
    Right(served(write="global data\n    data = array('d', (x + 1 for x in data))")),
    Right(
        served("bytearray(b'\\1') * 40_000_000", "data[::4096] = b'\\2' * len(data[::4096])")
    ),  # the sum of the bytes
    Right(
        served(
            "__import__('numpy').full(5_000_000, 0.5)",
            "data[:] += 1",
            "_n = 4\npreload_app = bool(_n)",
        )
    ),
    Right(served("__import__('numpy').arange(5_000_000)", "data[:] += 1")),
    # The app is imported by the configuration file, and so before the fork.
    Right(served(setting="import sys; sys.path.insert(0, '.'); import cell")),
    # One object, to which all places point.
    Right(served("[0.5] * 5_000_000", "data[::256] = [1.5] * len(data[::256])")),
    Wrong(served(setting="preload_app = False"), "not-preloaded"),
    Wrong(served(setting="workers = 3"), "not-preloaded"),
    Wrong(served(setting="preload = True"), "no-such-setting"),
    Wrong(served(setting="--preload"), "option-not-setting"),
    Wrong(served(setting="preload_app: yes please"), "no-python"),
    Wrong(served(setting="preload_app = 'perhaps'"), "setting-refused"),
    Wrong(served(setting=True), "not-a-text"),
    Wrong(served("[float(i) for i in range(1_250_000)]"), "reference-counts"),
    Wrong(served("array('d', [1.0]) * 50_000"), "too-little-data"),
    Wrong(served("bytes(40_000_000)", "return data[0]"), "only-reserved"),
    Wrong(in_lifespan(f"global data; data = {ARRAY}", "[]"), "data-after-the-fork"),
    Wrong(in_lifespan(EACH_PAGE, ARRAY), "lost-before-the-first-request"),
    Wrong(
        (PRELOAD, served("array('d')")[1].replace("lambda: float(sum(data))", IN_HANDLER)),
        "data-in-the-handler",
    ),
    Wrong(
        changed("lambda: float(sum(data))", "lambda: kept.append(data[:]) or 5", "kept = []\n"),
        "read-keeps-memory",
    ),
    Wrong(changed("lambda: float(sum(data))", "lambda: str(sum(data))"), "not-a-number"),
    Wrong(changed("lambda: float(sum(data))", "lambda: None"), "nothing-returned"),
    Wrong(served(write="return sum(data)"), "only-reads"),
    Wrong(served("b'\\1' * 40_000_000", "data[0] = 2"), "immutable-data"),
    Wrong(served(write="data = data[:]; data[0] += 1"), "local-name"),
    Wrong(served(write="mine = data[:]; mine[0] = 5"), "writes-to-a-copy"),
    Wrong(served(write="app.mine = data[:]; app.mine[0] = 5"), "a-copy-beside"),
    Wrong(served(write="data[0] += 1"), "writes-to-few-pages"),
    Wrong(changed(f"data = {ARRAY}", MAPPED), "one-for-all"),
    Wrong(changed('"/write"', '"/writes"'), "endpoint-missing"),
    Wrong((PRELOAD,), "not-both"),
    Wrong(served(write="raise RuntimeError"), "raises"),
    # Only in the server: here too the cell is executed.
    Wrong(served("[1.0] * (80_000_000 if __name__ == 'cell' else 1)"), "too-much-data"),
    Wrong(in_lifespan("import os; os._exit(3)", ARRAY), "ends-the-process"),
    Wrong(in_lifespan("__import__('time').sleep(600)", ARRAY), "never-comes-up"),
    Wrong(served(write="import os; os.kill(os.getpid(), 9)"), "ends-the-server"),
    Wrong(served(write="import threading; threading.Event().wait()"), "never-answers"),
    Wrong((PRELOAD, "app = 40_000_000\n"), "not-an-app"),
]


def in_cells(answer: tuple) -> tuple:
    """The setting with the app of a cell in the place of its source."""
    return (answer[0], *map(CellFunction("app"), answer[1:]))


@pytest.mark.parametrize("answer", RECOMMENDATIONS, ids=repr)
def test_recommend_workers(answer):
    judge(check, 1, answer, CellFunction("recommend_workers"))


@pytest.mark.parametrize("answer", BINDINGS, ids=repr)
def test_binding(answer):
    judge(check, 2, answer, CellFunction("binding"))


@pytest.mark.skipif(not tells_pss(), reason="this system does not tell the PSS of a process")
@pytest.mark.parametrize("answer", APPS, ids=repr)
def test_preloading(answer):
    judge(check, 3, answer, in_cells)
    gc.collect()  # each cell holds 40 MB, in an app which refers to itself


def test_where_no_pss_is_told_it_could_not_check_and_this_is_an_allowed_skip(monkeypatch):
    monkeypatch.setattr(task_3_preloading, "tells_pss", lambda: False)
    verdict = check.judge(3, in_cells(served()))
    assert verdict.outcome == "could not check"
    skips = [line for line in str(verdict).splitlines() if line.startswith(NOT_MEASURABLE)]
    assert [is_allowed(line, "darwin", ALLOWED.read_text()) for line in skips] == [True]
    assert not is_allowed(skips[0], "linux", ALLOWED.read_text())


BLANK = {
    1: lambda: CellFunction("recommend_workers")(HEAD + "    ...\n"),
    2: lambda: CellFunction("binding")("def binding(sweep, cores, memory_mb):\n    ...\n"),
    3: lambda: in_cells(served("1", "...")),
}


@pytest.mark.parametrize("task", BLANK)
def test_a_blank_is_not_attempted(task):
    assert check.judge(task, BLANK[task]()).outcome == "not attempted"


@pytest.mark.parametrize("answer", [served(setting=...), served("...", "...")], ids=str)
def test_a_part_that_is_blank_is_not_attempted(answer, monkeypatch):
    monkeypatch.setattr(task_3_preloading, "tells_pss", lambda: False)
    assert check.judge(3, in_cells(answer)).outcome == "not attempted"
