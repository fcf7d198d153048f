"""What the experiments on the app as a whole conclude, where no server is needed for it."""

import inspect

import nbformat
import pytest

from workerlab import ROOT
from workerlab.records import Record, Run
from workerlab.report import kinds
from workerlab.report.environment import CannotRun, Environment
from workerlab.report.experiments import how_many, load, logs, settings
from workerlab.report.experiments.context import Context
from workerlab.report.reader import Reader


@pytest.fixture
def context(tmp_path) -> Context:
    known = ["bind", "workers", "timeout", "preload_app", "worker_class", "threads", "reload"]
    environment = Environment(tmp_path / "python", "3.11.7", {"gunicorn": "27.0.1"}, known)
    command = ["gunicorn", "m:app", "-c", "conf.py"]
    return Context(Reader(environment, tmp_path, command=command), {}, [])


def test_the_rule_is_that_of_lesson_07():
    lesson = nbformat.read(ROOT / "lessons/07_how_many_workers.ipynb", as_version=4)
    [cell] = [cell for cell in lesson.cells if cell.id == "recommend"]
    assert inspect.getsource(how_many.recommend_workers).strip() == cell.source.strip()


def test_a_number_to_start_from(context, monkeypatch):
    with pytest.raises(CannotRun, match="memory of a worker"):
        how_many.find(context)
    context.worker_megabytes = 100.0
    monkeypatch.setattr(how_many, "cores_by_affinity", lambda: 4)
    monkeypatch.setattr(how_many, "cpu_quota", lambda: None)
    assert how_many.find(context)[0].figures == {"workers": 4, "cores": 4}
    monkeypatch.setattr(how_many, "cpu_quota", lambda: 0.5)
    assert how_many.find(context)[0].figures == {"workers": 1, "cores": 0.5}


def test_settings_that_are_misspelt_or_do_nothing(context):
    (context.reader.folder / "conf.py").write_text(
        "import os\nworkers = int(os.environ['N'])\ntimeuot = 3\n_own = 1\nsomething_else = 2\n"
        "worker_class = 'uvicorn_worker.UvicornWorker'\nthreads = 4\nreload: bool = True\n"
    )
    [found] = settings.find(context)
    assert found.weight == "serious"
    assert found.figures == {
        "misspelt": ["timeuot (is timeout meant?)"],
        "without_effect": ["threads", "reload"],
    }


def test_settings_that_are_fine(context):
    (context.reader.folder / "conf.py").write_text("workers = 2\nreload = True\n")
    [found] = settings.find(context)
    assert found.weight == "fine"


@pytest.mark.parametrize("text", [None, "workers = ("])
def test_a_file_that_cannot_be_read(context, text):
    if text is not None:
        (context.reader.folder / "conf.py").write_text(text)
    with pytest.raises(CannotRun, match=r"conf\.py"):
        settings.find(context)


def test_log_lines(context):
    context.description = {"logging": {"loggers": 3, "shown": 1}}
    [found] = logs.find(context)
    assert found.weight == "worth knowing"
    assert found.title == "INFO lines of 2 of the app's 3 loggers are not shown"
    context.description = {"logging": {"loggers": 1, "shown": 1}}
    assert logs.find(context)[0].weight == "fine"
    for nothing in ({}, {"logging": {"loggers": 0, "shown": 0}}):
        context.description = nothing
        with pytest.raises(CannotRun):
            logs.find(context)


def test_what_is_lost():
    records = [
        Record(status=200),
        Record(status=500),  # the app's own answer
        Record(error="refused"),
        Record(status=200, error="cut off in the middle"),
    ]
    assert load.lost(records) == 2
    assert load.unless_limited(Run(records)).records == records
    with pytest.raises(CannotRun, match="limits rates"):
        load.unless_limited(Run([*records, Record(status=429)]))


POOL = """
import time
from fastapi import FastAPI
app = FastAPI()

@app.get("/slow")
def slow():
    time.sleep(0.3)

@app.get("/health")
{how} health():
    return "fine"
"""


@pytest.mark.slow
@pytest.mark.parametrize(("how", "weight"), [("def", "serious"), ("async def", "fine")])
def test_the_health_check_while_the_pool_is_full(report, how, weight):
    report.write(POOL.format(how=how))
    outcome = report("m:app", experiments=("the thread pool's edge",))
    assert outcome.kinds["GET /slow"] == kinds.THREAD
    by_key = {finding["key"]: finding for finding in outcome.told["findings"]}
    assert by_key["pool"]["figures"]["first_round"] == 40
    assert by_key["health"]["weight"] == weight


LIMITED = """
import asyncio
from fastapi import FastAPI, HTTPException
app = FastAPI()
asked = []

@app.get("/x")
async def x():
    asked.append(1)
    if len(asked) > 20:
        raise HTTPException(429)
    await asyncio.sleep(0.1)
"""


@pytest.mark.slow
def test_rates_that_are_limited_give_no_figure(report):
    report.write(LIMITED)
    whole = ("what one worker can take", "what a kill, a HUP and a TERM cost")
    outcome = report("m:app", experiments=whole)
    assert outcome.kinds == {"GET /x": kinds.AWAITS}
    assert {one["what"]: "limits rates" in one["why"] for one in outcome.told["not_known"]} == {
        what: True for what in whole
    }
