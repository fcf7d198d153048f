"""What the experiments on the app as a whole conclude, where no server is needed for it."""

import inspect

import nbformat
import pytest

from workerlab import ROOT
from workerlab.report.environment import CannotRun, Environment
from workerlab.report.experiments import how_many, logs, settings
from workerlab.report.experiments.configuration import preloads
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


@pytest.mark.parametrize(("text", "expected"), [("preload_app = True", True), ("x = 1", False)])
def test_preloading_is_seen_in_the_file(context, text, expected):
    (context.reader.folder / "conf.py").write_text(text)
    assert preloads(context) is expected


def test_preloading_is_seen_in_the_command(context):
    context.reader.command.append("--preload")
    assert preloads(context)


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
