"""What the checks of several exercises share: each capability on its own."""

import asyncio

import psutil
import pytest

from tests.answers import from_cell
from workerlab import Server, burst
from workerlab.checks import config, print_config
from workerlab.checks.command import did_not_start, error_lines, refuse, served
from workerlab.checks.exercise import Exercise
from workerlab.checks.function import Mistake, Part, is_number, judge_function
from workerlab.checks.observer import observed
from workerlab.checks.runner import call_in_subprocess
from workerlab.checks.statements import Misconception, Trial, judge_statements, refuse_form
from workerlab.checks.verdicts import Refused
from workerlab.server.start_errors import LOG_ENDS

# function


def difference(a: float, b: float) -> float:
    if a < b:
        raise ValueError("a is smaller")
    return a - b


PART = Part(
    difference,
    is_number,
    "a number",
    "another-number",
    {"a-sum": Mistake(lambda a, b: a + b, "This is the sum.", "Is it + or -?")},
)
CALLS = [[5, 2], [4, 0], [1, 3]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("if a < b: raise ValueError\n    return a - b", ""),
        ("if a < b: raise UnicodeError\n    return a - b", ""),  # a kind of ValueError
        ("return a - b", "another-number"),
        ("return a + b", "a-sum"),
        ("if a < b: raise ValueError\n    return a - b + 0.01", "rounded"),
        ("if a < b: raise KeyError(a)\n    return a - b", "another-number"),
        ("return [a][1]", "raises"),
        ("return str(a - b)", "another-type"),
        ("return (a, b)", "another-type"),
        ("return object()", "objects"),
        ("pass", "nothing-returned"),
        ("return 3", "fixed-answer"),
        ("raise ValueError('no')", "fixed-answer"),
        ("return [[], {}]", "another-type"),
    ],
)
def test_a_function_is_judged_by_its_values(body, said):
    function = from_cell("f")(f"def f(a, b):\n    {body}\n")
    try:
        verdict = judge_function(function, CALLS, [PART])
    except Refused as refused:
        verdict = refused.verdict
    assert verdict.misconception == said, verdict
    assert verdict.outcome == ("wrong" if said else "right")


@pytest.mark.parametrize(("answer", "said"), [(3, "not-a-function"), (len, "not-written-here")])
def test_what_is_no_function_of_a_cell(answer, said):
    with pytest.raises(Refused) as refused:
        judge_function(answer, CALLS, [PART])
    assert refused.value.verdict.misconception == said


# command


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (None, "not-a-string"),
        ("uvicorn app.main:app", "port-not-given"),
        ("uvicorn app.main:app --port {port} &", "not-one-command"),
        ("uvicorn app.main:app --port '{port}", "quotation-marks"),
        ("uvicorn app.main:app --host 0.0.0.0 --port {port}", "open-to-the-network"),
        ("UVICORN_HOST=0.0.0.0 uvicorn app.main:app --port {port}", "open-to-the-network"),
        ("gunicorn app.main:app -b :{port}", "open-to-the-network"),
        (
            "python -c 'uvicorn.run(0, host=\"0.0.0.0\", port={port})'",
            "open-to-the-network",
        ),
        ("uvicorn app.main:app --host 127.0.0.1:{port} --port {port}", "no-address"),
        ("gunicorn app.main:app -w 200 -b 127.0.0.1:{port}", "far-too-many-workers"),
    ],
)
def test_a_command_that_is_not_launched(command, said):
    with pytest.raises(Refused) as refused:
        refuse(command)
    assert refused.value.verdict.misconception == said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "said", "line"),
    [
        ("uvicorn app.main:app --prt {port}", "no-such-option", "No such option '--prt'"),
        ("gunicorn app.main:app --port {port}", "option-of-uvicorn", "unrecognized arguments"),
        ("uvicorn app/main.py:app --port {port}", "file-instead-of-module", "No module named"),
        ("uvicorn app.main --port {port}", "no-app-named", "must be in format"),
        ("uvicorn app.mian:app --port {port}", "app-misspelled", "Could not import module"),
        ("gunicorn app.main:ap -b 127.0.0.1:{port}", "app-misspelled", "Failed to find attribute"),
        ("gunicorn app.main:app -k no.such -b 127.0.0.1:{port}", "no-such-class", "class uri"),
        ("uvicron app.main:app --port {port}", "no-such-command", "no command 'uvicron'"),
        ("fastapi dev app/main.py --port {port}", "fastapi-command", "fastapi[standard]"),
        ("sleep {port}", "never-comes-up", ""),
    ],
)
def test_why_a_command_did_not_start_is_told_with_the_line_of_its_log(command, said, line):
    with pytest.raises(Refused) as refused, served(command, timeout=5.0):
        pass
    verdict = refused.value.verdict
    assert verdict.misconception == said, verdict
    assert line in verdict.came_back


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise SystemExit(3)", "does-not-start"),
        ("import asyncio\nasync def app(scope, receive, send):\n"
         "    if scope['type'] == 'http': await asyncio.sleep(60)\n"
         "    raise RuntimeError\n", "answers-nothing"),
    ],
)  # fmt: skip
def test_what_else_keeps_a_server_from_answering(source, said):
    command = "uvicorn app_of_a_test:app --app-dir {folder} --port {port}"
    files = {"app_of_a_test.py": source}
    with pytest.raises(Refused) as refused, served(command, files=files):
        pass
    assert refused.value.verdict.misconception == said


def test_a_server_that_has_only_just_started_is_not_said_to_answer_nothing(monkeypatch):
    report = (
        "uvicorn x\ndid not answer within 8 s, and it wrote nothing for the last {} s. The log may "
        "say why.\nThe log ends:\n    INFO:     Application startup complete.\n"
        "    INFO:     Waiting for application startup.\n"
    )
    monkeypatch.setattr("workerlab.checks.command.slowness", lambda: 2.0)
    assert did_not_start("uvicorn x", report.format(0.2)).outcome == "could not check"
    assert did_not_start("uvicorn x", report.format(6.0)).misconception == "answers-nothing"
    # An app may write a line now and then, and still answer nothing.
    monkeypatch.setattr("workerlab.checks.command.slowness", lambda: 1.0)
    assert did_not_start("uvicorn x", report.format(0.2)).misconception == "answers-nothing"


@pytest.mark.parametrize(("slowness", "outcome"), [(1.0, "wrong"), (3.0, "could not check")])
def test_a_worker_that_uvicorn_gave_up_on(slowness, outcome, monkeypatch):
    monkeypatch.setattr("workerlab.checks.command.slowness", lambda: slowness)
    report = "lost its worker, and no new one started. " + LOG_ENDS + "    Child process [7] died"
    assert did_not_start("uvicorn x:app --workers 2", report).outcome == outcome


def test_of_a_log_the_lines_with_an_error_are_told():
    report = "uvicorn x\nended with exit code 1. The log may say why.\nThe log ends:\n"
    log = 'INFO: started\nTraceback (most recent call last):\n  File "a.py", \nKeyError: 1\nbye'
    indented = "\n".join(f"    {line}" for line in log.splitlines())
    assert error_lines(report + indented) == ["KeyError: 1"]


def test_who_searches_by_command_line_finds_no_guard():
    server = Server("uvicorn app.main:app --port {port}", name="searched")
    try:
        found = []
        for process in psutil.process_iter():
            try:
                if f"--port {server.port}" in " ".join(process.cmdline()):
                    found.append(process.pid)
            except psutil.Error:
                continue
        assert found == [server.pid]
    finally:
        server.stop()


# config


def test_gunicorn_reads_the_file_itself():
    text = (
        "import os\nfrom uvicorn_worker import UvicornWorker\nclass Mine(UvicornWorker): pass\n"
        "workers = int(os.environ.get('WORKERS', 2))\nworker_class = Mine\n"
        "bind = ['127.0.0.1:8123']\naccesslog = '-'\nport = 1\n"
    )
    with config.written(text) as folder:
        two, three = print_config.read(folder), print_config.read(folder, {"WORKERS": "3"})
        bad = print_config.read(folder, {"WORKERS": "many"})
    assert (two.settings["workers"], three.settings["workers"]) == (2, 3)
    assert two.settings["worker_class"] == "<Mine()>"
    assert two.settings["bind"] == ["127.0.0.1:8123"] and two.settings["accesslog"] == "-"
    assert bad.settings is None and bad.exit_code == 1 and "ValueError" in bad.output
    assert config.unknown_names(text) == ["port"]


@pytest.mark.slow
def test_a_file_that_never_ends_is_ended():
    with config.written("while True: pass\n") as folder:
        reading = print_config.read(folder)
    assert reading.settings is None and reading.exit_code is None
    assert config.not_read(reading, "gunicorn").misconception == "never-ends"


@pytest.mark.parametrize(
    ("config_text", "said"),
    [("wokers = 3\n", "Did you mean workers?"), ("port = 8000\n", "no setting port")],
)
def test_a_name_that_is_no_setting(config_text, said):
    verdict = config.no_such_setting(config_text)
    assert verdict.misconception == "no-such-setting" and said in verdict.sentence


def test_a_name_that_the_file_uses_is_its_own():
    assert config.no_such_setting("port = 8000\nbind = f'127.0.0.1:{port}'\n") is None


def test_the_name_of_a_file_is_not_its_text():
    with pytest.raises(Refused) as refused, config.written("app/gunicorn_conf.py"):
        pass
    assert refused.value.verdict.misconception == "name-not-text"


@pytest.mark.parametrize(
    ("bind", "here"),
    [
        (["127.0.0.1:80"], True),
        ("localhost", True),
        (["[::1]:80"], True),
        (["0.0.0.0:80"], False),
        ([":80"], False),
        (["127.0.0.1:80", "10.0.0.1:80"], False),
    ],
)
def test_whether_an_address_is_this_machines_own(bind, here):
    assert print_config.is_loopback_bind(bind) == here


# observer

ASK = """
import asyncio, aiohttp
async def f(url, n):
    async def ask(session):
        async with session.get(url) as response:
            await response.read()
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(ask(session) for _ in range(n)))
"""
UPON = """
from workerlab import burst
async def f(url, n):
    return [record.worker for record in (await burst(url, n, after="began")).records]
"""


@pytest.mark.slow
def test_an_observer_sees_the_requests_of_any_client_and_no_other_server():
    command = "uvicorn workerlab.checks.together_app:app --port {port}"
    with (
        observed(command, "one", env={"THREADS": "3"}) as one,
        observed(command, "other") as other,
    ):
        function = from_cell("f")(ASK)
        result = call_in_subprocess(function, [[f"{one.url}/wait?seconds=0.1", 7]])
        call_in_subprocess(function, [[f"{other.url}/work?seconds=0.1", 5]])
        seen, theirs = one.run("/wait"), other.run()
        asyncio.run(burst(f"{one.url}/wait?seconds=0.1"))  # the kit's client is one of them
        assert len(one.run()) == 8
    assert len(seen) == 7 and seen.peak_overlap == 3
    assert all(record.received < result.until for record in seen.records)
    assert len(theirs) == 5 and theirs.peak_overlap == 5


def test_the_kits_burst_knows_beginnings_in_the_readers_process():
    command = "uvicorn workerlab.checks.together_app:app --port {port}"
    with observed(command) as seen:
        url = f"{seen.url}/work?seconds=0.3"
        result = call_in_subprocess(from_cell("f")(UPON), [[url, 3]], env=seen.caller_env)
        assert result.value == [[seen.server.pid] * 3]


# statements

STATEMENTS = {"a": Misconception("a-is-false", "it is not so.", "Why?")}


@pytest.mark.parametrize("answers", [None, ["a"], {"b": True}, {"a": "True"}, {"a": 1}])
def test_answers_that_are_not_true_or_false(answers):
    with pytest.raises(Refused):
        refuse_form(answers, STATEMENTS)


@pytest.mark.parametrize(
    ("holds", "outcome"), [(True, "right"), (False, "wrong"), (None, "could not check")]
)
def test_a_statement_is_compared_with_its_trial(holds, outcome):
    verdict = judge_statements({"a": True}, {"a": Trial(holds, "ran", "saw")}, STATEMENTS)
    assert verdict.outcome == outcome


# exercise


def test_a_fault_of_a_check_is_no_verdict_on_the_answer(monkeypatch):
    check = Exercise("tests.course.ex01_sums")
    monkeypatch.setattr(check.task(1), "check", lambda answer: {}[answer])
    verdict = check.judge(1, "x")
    assert verdict.outcome == "could not check" and "says nothing about your answer" in str(verdict)


@pytest.mark.parametrize(
    "answer", [..., [1, ...], {"a": ...}, "x = 1\n    ...  # <- your answer\n", (4, ...)]
)
def test_a_blank_is_not_attempted(answer):
    assert Exercise("tests.course.ex01_sums").judge(1, answer).outcome == "not attempted"


def test_a_copy_of_an_earlier_form_is_told(monkeypatch):
    check = Exercise("tests.course.ex01_sums", form=1)
    assert check.judge(1, 4).outcome == "right"
    monkeypatch.setattr(check.task(1), "FORM", 2, raising=False)
    assert str(check.judge(1, 4)) == (
        "? could not check: This task has changed; `./learn reset 01` gets the new one and keeps "
        "yours."
    )
    assert Exercise("tests.course.ex01_sums").judge(1, 4).outcome == "right"
