"""What the kit costs, as a table: `.venv/bin/python -m benchmarks.run [SECTION ...]`

    kit        launch-to-ready against bare Popen; burst against bare aiohttp
    lessons    what the lessons measure against the ideal time
    tests      the time of the test run: kernels, servers, experiments, the rest
    start      a second ./learn against jupyter lab itself, up to a served page
    live       a timeline that draws itself: how soon, how often, at what cost
    setup      ./learn in a fresh clone against plain pip, both with empty caches

Without names: all of them, about fifteen minutes. Medians of runs that take turns, so that a drift
of the machine meets both sides. Run it on an idle machine. Nothing here is asserted in the tests.
"""

import argparse
import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import aiohttp
import nbformat

from benchmarks import answers, live
from workerlab import Server, burst
from workerlab.ports import free_port
from workerlab.server import ROOT

UVICORN = "uvicorn app.main:app --port {port}"
GUNICORN = (
    "gunicorn app.main:app --worker-class uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}"
)


def row(what: str, figure: str, against: str = "", ratio: str = "") -> None:
    print(f"{what:58} {figure:>10} {against:>12} {ratio:>12}", flush=True)


def in_turn(ours: Callable[[], float], bare: Callable[[], float], times: int) -> tuple:
    """The medians of two timed functions that take turns, of their differences and ratios."""
    pairs = [(ours(), bare()) for _ in range(times)]
    a, b = zip(*pairs, strict=True)
    return median(a), median(b), median(x - y for x, y in pairs), median(x / y for x, y in pairs)


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def kit() -> None:
    row("KIT", "kit", "bare", "difference")
    for name, command in (("uvicorn", UVICORN), ("gunicorn, 1 worker", GUNICORN)):
        ours, bare, more, _ = in_turn(lambda: launch(command), lambda: launch_bare(command), 15)  # noqa: B023
        row(
            f"launch-to-ready, {name}",
            f"{ours:.3f} s",
            f"{bare:.3f} s",
            f"{more * 1000:+.0f} ms",
        )
    server = Server(UVICORN)
    url = f"{server.url}/"
    asyncio.run(burst(url, n=100))
    ours, bare, _, ratio = in_turn(
        lambda: asyncio.run(time_burst(url)), lambda: asyncio.run(time_bare(url)), 50
    )
    server.stop()
    row("burst of 100 on /", f"{ours * 1000:.1f} ms", f"{bare * 1000:.1f} ms", f"{ratio:.2f} x")


def launch(command: str) -> float:
    """Seconds until the kit says that the server is ready."""
    began = time.perf_counter()
    server = Server(command)
    seconds = time.perf_counter() - began
    server.stop()
    return seconds


def launch_bare(command: str) -> float:
    """Seconds from Popen to the first answer, asked for every 5 ms."""
    port = free_port()
    argv = shlex.split(command.format(port=port))
    argv[0] = str(Path(sys.executable).parent / argv[0])
    folder = tempfile.mkdtemp(prefix="workerlab-benchmark-")
    environment = {**os.environ, "GUNICORN_CMD_ARGS": f"--control-socket {folder}/control"}
    began = time.perf_counter()
    process = subprocess.Popen(
        argv,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    while not answers(f"http://127.0.0.1:{port}/health"):
        time.sleep(0.005)
    seconds = time.perf_counter() - began
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder)
    return seconds


async def time_burst(url: str) -> float:
    began = time.perf_counter()
    await burst(url, n=100)
    return time.perf_counter() - began


async def time_bare(url: str) -> float:
    async def fetch(session: aiohttp.ClientSession) -> None:
        async with session.get(url) as response:
            await response.json()

    began = time.perf_counter()
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    limits = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=limits) as session:
        await asyncio.gather(*(fetch(session) for _ in range(100)))
    return time.perf_counter() - began


def lessons() -> None:
    row("LESSONS", "measured", "ideal", "ratio")
    server = Server(UVICORN)
    asyncio.run(burst(f"{server.url}/slow-def?seconds=0", n=41))
    for what, path, n, ideal in (
        ("8 awaiting requests of 0.5 s, one worker", "/slow-await?seconds=0.5", 8, 0.5),
        ("8 blocking requests of 0.3 s, one worker", "/slow?seconds=0.3", 8, 2.4),
        ("40 requests of 0.5 s in the thread pool", "/slow-def?seconds=0.5", 40, 0.5),
        ("41 requests of 0.5 s in the thread pool", "/slow-def?seconds=0.5", 41, 1.0),
        ("4 computing requests of 0.25 s in the thread pool", "/cpu-def?seconds=0.25", 4, 1.0),
    ):
        runs = [asyncio.run(burst(f"{server.url}{path}", n=n)).makespan for _ in range(9)]
        row(what, f"{median(runs):.3f} s", f"{ideal:.3f} s", f"{median(runs) / ideal:.3f} x")
    server = Server(f"{GUNICORN} --workers 4")
    url = f"{server.url}/slow?seconds=1"
    runs = [asyncio.run(burst(url, n=4, after="began")).makespan for _ in range(9)]
    row(
        "4 blocking requests of 1 s on events, 4 workers",
        f"{median(runs):.3f} s",
        "1.000 s",
        f"{median(runs):.3f} x",
    )
    server.stop()


def tests() -> None:
    """Take the test run apart by pytest's own durations of each cell."""
    command = [sys.executable, "-m", "pytest", "--nbval", "-m", "not slow", "-q"]
    seconds = 0.0

    def run(*more: str) -> str:
        done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True)
        return done.stdout

    began = time.perf_counter()
    notebooks = run("lessons", "--durations=0", "-vv")
    notebook_seconds = time.perf_counter() - began
    seconds = timed(lambda: run("tests"))
    kernels = servers = experiments = 0.0
    pattern = r"^([\d.]+)s (setup|call|teardown) +(\S+\.ipynb)::Cell (\d+)"
    for time_, phase, path, number in re.findall(pattern, notebooks, re.MULTILINE):
        cells = [c for c in nbformat.read(ROOT / path, 4).cells if c.cell_type == "code"]
        if phase != "call":
            kernels += float(time_)
        elif re.search(
            r"Server\(|Popen\(|first_answer\(\)|stop_all\(|terminate", cells[int(number)].source
        ):
            servers += float(time_)
        else:
            experiments += float(time_)
    rest = notebook_seconds - kernels - servers - experiments
    row("TESTS", "seconds")
    row("notebooks: starting and ending kernels", f"{kernels:.1f} s")
    row("notebooks: cells that start or stop servers", f"{servers:.1f} s")
    row("notebooks: experiments, claims, pictures", f"{experiments:.1f} s")
    row("notebooks: the rest (pytest itself, collecting)", f"{rest:.1f} s")
    row("unit tests", f"{seconds:.1f} s")
    row("all", f"{notebook_seconds + seconds:.1f} s")


def start() -> None:
    row("SECOND START", "./learn", "jupyter lab", "difference")
    learn = [sys.executable, str(ROOT / "learn"), "--no-browser", "--allow-root", "--port"]
    lab = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    lab += ["--IdentityProvider.token=t", "--ServerApp.ip=127.0.0.1", "--port"]
    ours, bare, more, _ = in_turn(lambda: served(learn), lambda: served(lab), 5)
    row("to a served page", f"{ours:.2f} s", f"{bare:.2f} s", f"{more:+.2f} s")


def served(command: list[str]) -> float:
    """Seconds until /api answers."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not answers(f"http://127.0.0.1:{port}/api"):
        if process.poll() is not None:
            sys.exit(f"ended with {process.returncode}: {shlex.join(command)}")
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(20)
    return seconds


def setup() -> None:
    row("SET-UP, empty caches", "./learn", "pip", "ratio")
    ours, bare, _, ratio = in_turn(set_up_learn, set_up_pip, 3)
    row("fresh clone to an environment", f"{ours:.1f} s", f"{bare:.1f} s", f"{ratio:.2f} x")


def set_up_learn() -> float:
    return in_fresh_clone("python3 learn pin --help")


def set_up_pip() -> float:
    return in_fresh_clone(
        "python3 -m venv .venv && .venv/bin/python -m pip install -q -r requirements.txt"
    )


def in_fresh_clone(command: str) -> float:
    """Seconds of a shell command in a clone of this repository, with caches of its own."""
    folder = Path(tempfile.mkdtemp(prefix="workerlab-benchmark-"))
    environment = {
        **os.environ,
        "UV_CACHE_DIR": str(folder / "uv"),
        "PIP_CACHE_DIR": str(folder / "pip"),
        "PATH": os.environ["PATH"].replace(f"{Path(sys.executable).parent}{os.pathsep}", ""),
    }
    try:
        subprocess.run(["git", "clone", "-q", str(ROOT), str(folder / "clone")], check=True)
        return timed(
            lambda: subprocess.run(
                command,
                shell=True,
                cwd=folder / "clone",
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
    finally:
        shutil.rmtree(folder)


def live_pictures() -> None:
    row("A TIMELINE THAT DRAWS ITSELF", "measured")
    for what, figure in live.measure().items():
        row(what, figure)


SECTIONS = {
    "kit": kit,
    "lessons": lessons,
    "tests": tests,
    "start": start,
    "live": live_pictures,
    "setup": setup,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    chosen = parser.parse_args().sections or list(SECTIONS)
    for section in chosen:
        if section not in SECTIONS:
            parser.error(f"no section {section!r}; there are {', '.join(SECTIONS)}")
        SECTIONS[section]()
