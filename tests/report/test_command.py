"""What `./learn report` takes, says, writes and returns."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

import psutil
import pytest

from tests.report.helpers import children
from workerlab.course.cli import main
from workerlab.report import command, kinds
from workerlab.report.app import one_worker, running
from workerlab.report.environment import look_at
from workerlab.report.reader import Reader
from workerlab.server import ROOT

APP = """
import asyncio, logging, os, threading, time
from fastapi import FastAPI, Request
app = FastAPI()
log = logging.getLogger("theirs")
threading.Thread(target=time.sleep, args=[3600], name="thread-name-of-theirs", daemon=True).start()

@app.get("/x")
async def x(request: Request):
    log.warning("line-of-theirs " + request.headers.get("x-theirs", ""))
    {wait}
    return "body-of-theirs" + os.environ.get("THEIRS", "")

@app.post("/items")
async def items(item: dict):
    time.sleep(item["seconds"])
"""
BLOCKS, AWAITS = "time.sleep(0.1)", "await asyncio.sleep(0.1)"


def learn(*arguments: str) -> int:
    return main(["report", *map(str, arguments)])


WRONG = {
    "no app": ([], "Which app?"),
    "no such folder": (["m:app", "--dir", "nowhere"], "There is no folder nowhere"),
    "no such Python": (["m:app", "--python", "no/python"], "could not be run as a Python"),
    "a file that is no Python": (["m:app", "--python", __file__], "could not be run as a Python"),
    "no such file of variables": (["m:app", "--env-file", "no.env"], "no.env cannot be read"),
    "a path without a slash": (["m:app", "--path", "items"], "write --path '/items?limit=5'"),
    "a path on another host": (["m:app", "--path", "//example.com/"], "has no path"),
    "a header without a colon": (["m:app", "--header", "secret"], "a header is NAME:VALUE"),
    "an unclosed quotation mark": (["--command", "uvicorn 'm:app"], "No closing quotation"),
    "a variable in the command": (["--command", "A=1 uvicorn m:app"], "begins with a variable"),
    "two commands": (["--command", "cd x && uvicorn m:app"], "is one program with its options"),
    "a file for an app": (["my_app/main.py"], "name it as for Uvicorn, my_app.main:app"),
    "a header that is no text": (["m:app", "--header", "X-Name: é"], "X-Name is not ASCII"),
    "an empty command": (["--command", " "], "the command is empty"),
    "no such report": (["m:app", "--compare", "old.json"], "old.json is no JSON of ./learn report"),
    "a JSON without figures": (
        ["m:app", "--compare", "other.json"],
        "is no JSON of ./learn report",
    ),
    "a folder that is not there": (["m:app", "--output", "no/page.html"], "could not be written"),
    "nobody who answers": (["m:app"], "add --yes if that is all right"),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_gets_one_sentence(name, tmp_path, monkeypatch, capsys):
    arguments, sentence = WRONG[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    Path("other.json").write_text('{"form": 1, "verdict": "", "endpoints": [{}]}')
    assert learn(*arguments) == 2
    out, err = capsys.readouterr()
    assert sentence in err
    assert len(err.splitlines()) <= 2 and not out  # the question may stand above it
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


def test_a_line_of_the_variables_that_is_none(tmp_path, capsys):
    file = tmp_path / "env"
    file.write_text("# fine\nA=1\nsecret\n")
    assert learn("m:app", "--env-file", file) == 2
    assert f"{file}, line 3, is not NAME=VALUE" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["n", "", "nein"])
def test_nothing_is_started_unless_the_answer_is_yes(answer, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    monkeypatch.setattr(command, "make", lambda *_, **__: pytest.fail("it went on"))
    assert learn("m:app", "--dir", tmp_path) == 2
    said = capsys.readouterr().err
    for part in ("GET requests", "kills workers", "database", "Nothing was started"):
        assert part in said


def test_the_question_leaves_out_the_kills_that_will_not_come(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert learn("m:app", "--dir", tmp_path, "--no-kill") == 2
    assert "kills" not in capsys.readouterr().err


@pytest.mark.slow
def test_the_whole_report(tmp_path, monkeypatch, capsys):
    (tmp_path / "m.py").write_text(APP.format(wait=BLOCKS))
    (tmp_path / "gunicorn_conf.py").write_text(
        "pidfile = 'theirs.pid'\naccesslog = errorlog = 'theirs.log'\ntimeuot = 3\n"
        "bind = '0.0.0.0:80'\npreload_app = True\nworker_class = 'uvicorn_worker.UvicornWorker'\n"
    )
    (tmp_path / "env").write_text("THEIRS=variable-of-theirs\n")
    (tmp_path / "page.html").write_text("mine")
    before, others = sorted(path.name for path in tmp_path.iterdir()), children()
    monkeypatch.chdir(tmp_path)
    # With all that FastAPI imports: what the workers share under preload is measured.
    monkeypatch.delenv("PYTHONPATH", raising=False)
    began = time.monotonic()
    status = learn(
        *("m:app", "--command", "gunicorn m:app -c gunicorn_conf.py -b 0.0.0.0:8000", "--yes"),
        *("--env-file", "env", "--header", "X-Theirs: header-of-theirs", "--output", "page.html"),
        "--json",
    )
    out, err = capsys.readouterr()
    told = json.loads(out)
    page, text = Path("page-2.html").read_text(), Path("page-2.md").read_text()
    assert status == 1, err
    assert Path("page.html").read_text() == "mine"
    made = {"page-2.html", "page-2.md"}
    assert {path.name for path in tmp_path.iterdir()} == {*before, *made}
    keys = {finding["key"] for finding in told["findings"]}
    assert keys >= {"blocks-the-loop", "kill", "hup", "term", "memory", "workers", "logs",
                    "before-the-fork", "lifespan", "settings"}  # fmt: skip
    by_key = {finding["key"]: finding for finding in told["findings"]}
    assert "timeuot (is timeout meant?)" in by_key["settings"]["seen"]
    assert by_key["before-the-fork"]["figures"]["threads"] == 1
    memory = by_key["memory"]["figures"]
    assert memory["together_preloaded_megabytes"] < 0.9 * memory["together_megabytes"]
    assert "Served without its accesslog, errorlog, pidfile:" in " ".join(told["remarks"])
    assert by_key["kill"]["figures"]["lost"] <= by_key["kill"]["figures"]["sent"] / 2
    assert "-b 0.0.0.0:8000 was replaced" in " ".join(told["remarks"])
    assert text.splitlines()[2] == f"**{told['verdict']}**"
    assert told["verdict"] in page
    for written in (page, text, out):
        assert "-of-theirs" not in written
    assert not re.search(r"https?:|<script|<link|<img", page)
    assert not children() - others
    assert time.monotonic() - began < 120


@pytest.mark.slow
def test_before_and_after(tmp_path, capsys):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, wait in ((old, BLOCKS), (new, AWAITS)):
        folder.mkdir()
        (folder / "m.py").write_text(APP.format(wait=wait))
    quick = ("m:app", "--yes", "--no-kill")
    assert learn(*quick, "--dir", old, "--json") == 1
    (tmp_path / "old.json").write_text(capsys.readouterr().out)
    page = tmp_path / "page.html"
    assert learn(*quick, "--dir", new, "--compare", tmp_path / "old.json", "--output", page) == 0
    text = page.with_suffix(".md").read_text()
    assert re.search(r"\| GET /x \| blocks the loop, [\d.]+ s \| awaits, [\d.]+ s \|", text), text
    assert "| verdict | One serious finding: One endpoint blocks the event loop. |" in text
    assert "A killed worker" not in text


@pytest.mark.slow
def test_a_post_that_is_named(report):
    report.write(APP.format(wait=AWAITS))
    outcome = report("m:app", "--path", 'POST /items {"seconds": 0.1}')
    assert outcome.kinds == {"POST /items": kinds.BLOCKS, "GET /x": kinds.AWAITS}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "text", "is_preloaded"),
    [
        ("", "import os\npreload_app = bool(os.environ)\n", True),
        ("--preload", "", True),
        ("", "preload_app = False\n", False),
    ],
)
def test_whether_the_reader_preloads_is_what_gunicorn_makes_of_it(
    option, text, is_preloaded, tmp_path
):
    (tmp_path / "m.py").write_text(APP.format(wait=AWAITS))
    (tmp_path / "conf.py").write_text(text)
    words = f"gunicorn m:app -c conf.py -k uvicorn_worker.UvicornWorker {option}".split()
    reader = Reader(look_at(Path(sys.executable)), tmp_path, command=words)
    with running(reader, one_worker(reader)) as app:
        assert app.description()["is_preloaded"] is is_preloaded


@pytest.fixture
def without_gunicorn(tmp_path) -> Path:
    """The Python of an environment that has all of ours but Gunicorn."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    [packages] = folder.glob("lib/python*/site-packages")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(("gunicorn", "uvicorn_worker")) and path.suffix != ".pth":
            (packages / path.name).symlink_to(path)
    return folder / "bin" / "python"


@pytest.mark.slow
def test_another_environment(report, without_gunicorn):
    (report.folder / "app").mkdir()
    report.folder = report.folder / "app"
    report.write(APP.format(wait=BLOCKS))
    outcome = report(
        "m:app", "--python", str(without_gunicorn), experiments=("what is opened before the fork",)
    )
    assert outcome.kinds["GET /x"] == kinds.BLOCKS
    assert "gunicorn" not in outcome.told["versions"]
    assert outcome.told["not_known"] == [
        {"what": "what is opened before the fork", "why": "Gunicorn is not installed there"}
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.2, 0.7, 1.5, 4, 7, 11, 16])
def test_an_interrupt_leaves_nothing(seconds, tmp_path):
    (tmp_path / "m.py").write_text(APP.format(wait=AWAITS))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    program = "import sys; from workerlab.course.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "report", "m:app", "--dir", str(tmp_path), "--yes"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        time.sleep(seconds)
        started = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert (
        err.splitlines()[-1] == "learn: Stopped. Nothing is left running, and no page is written."
    )
    assert "Traceback" not in err and not out
    assert not psutil.wait_procs(started, timeout=5)[1]
    assert not list(temporary.iterdir())
    assert not list(ROOT.glob("workerlab-report*"))
