"""What it costs that a timeline draws itself, and how soon it is seen: in JupyterLab and Chromium.

Called by run.py. Chromium is the system's; Playwright lives in .venv-tools.
"""

import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import nbformat

from benchmarks import answers
from tests.tools import run, tool
from workerlab import ROOT
from workerlab.ports import free_port

FIRST, MANY, PAIRS = 10, 200, 8

START = """
import contextlib, json, time
from statistics import median
from workerlab import Server, burst, load, steady

server = Server("uvicorn app.main:app --port {port}")
slow = f"{server.url}/slow-await?seconds="
drawing = load._progress


async def live_and_off(experiment):
    figures = []
    for progress in (drawing, lambda *_: contextlib.nullcontext()):
        load._progress = progress
        cpu, began = time.process_time(), time.monotonic()
        figure = await experiment()
        figures.append([figure, (time.process_time() - cpu) / (time.monotonic() - began)])
    load._progress = drawing
    return figures


async def eight():
    return (await burst(slow + "0.5", n=8)).makespan


async def steadily():
    return median((await steady(slow + "0.02", rate=100, seconds=5)).latencies)


await burst(server.url + "/", n=8)
None
"""
# The page's clock is the system's.
FIRST_BAR = """
run = await burst(slow + "0.5", n=8)
print("figures", json.dumps(time.time() - time.monotonic() + min(r.sent for r in run.records)))
"""


def notebook() -> nbformat.NotebookNode:
    cells = [START, *[FIRST_BAR] * FIRST]
    cells.append(f'run = await burst(slow + "5", n={MANY})')
    for experiment, pairs in (("eight", 2 * PAIRS), ("steadily", PAIRS)):
        cells.append(
            f"pairs = [await live_and_off({experiment}) for _ in range({pairs})]\n"
            'print("figures", json.dumps(pairs))'
        )
    cells.append("server.stop()")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(
        metadata={"kernelspec": kernel},
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
    )


@contextmanager
def jupyterlab() -> Iterator[str]:
    """The address of that notebook."""
    with tempfile.TemporaryDirectory(prefix="workerlab-benchmark-") as folder:
        nbformat.write(notebook(), Path(folder) / "live.ipynb")
        token, port = secrets.token_hex(16), free_port()
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += [f"--IdentityProvider.token={token}", "--ServerApp.ip=127.0.0.1"]
        process = subprocess.Popen(
            [*command, f"--port={port}", "--ServerApp.port_retries=0"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            while not answers(f"{address}/api") and process.poll() is None:
                time.sleep(0.05)
            yield f"{address}/lab/tree/live.ipynb?token={token}"
        finally:
            process.terminate()
            process.wait(20)


def measure() -> dict[str, str]:
    """Each figure, with its unit."""
    with jupyterlab() as address:
        driver = [tool("python"), "-m", "tests.browser.driver", "run_all", address]
        (facts,) = json.loads(run(*driver, cwd=ROOT, timeout=400))
    printed = [
        json.loads(text.removeprefix("figures "))
        for text in facts["outputs"]
        if text.startswith("figures ")
    ]
    *sent, eight, steadily = printed
    frames = [note for note in facts["seen"] if note["kind"] == "svg" and note["busy"]]
    first_bars = []
    for cell, moment in enumerate(sent, start=1):
        seen = min(note["at"] for note in frames if note["cell"] == cell and note["width"] > 0)
        first_bars.append(seen - 1000 * moment)
    of_many = [note["at"] for note in frames if note["cell"] == FIRST + 1]
    updates = 1000 * (len(of_many) - 1) / (of_many[-1] - of_many[0])

    def more(pairs: list[Any], figure: int) -> float:
        return median(live[figure] - off[figure] for live, off in pairs)

    longer = median(live[0] / off[0] - 1 for live, off in eight)
    return {
        f"first bar after the first request, median of {FIRST}": f"{median(first_bars):.0f} ms",
        "first bar, the slowest": f"{max(first_bars):.0f} ms",
        f"updates a second, {MANY} requests in progress": f"{updates:.1f}",
        "8 x 0.5 s, makespan, live and not": f"{longer:+.2%}",
        "100 a second, median latency, live and not": f"{1000 * more(steadily, 0):+.2f} ms",
        "100 a second, cores that the client uses, live and not": f"{more(steadily, 1):+.3f}",
    }
