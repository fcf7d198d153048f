"""Running a reader's function in a process of its own."""

import os
import sys
import time
import uuid

import pytest

from tests.answers import from_cell
from tests.helpers import TOKEN, describe, offspring
from workerlab.checks.runner import call_in_subprocess, run, run_coroutine


def called(source: str, *calls: list, **options):
    return call_in_subprocess(from_cell("f")(source), calls or [[]], **options)


def test_values_come_back_as_json_has_them():
    source = "def f(rows):\n    return {row for row in rows}, {1: (2,)}"
    result = called(source, [[[1, 2]]])
    assert result.kind == "returned"
    assert result.value == [[[[1, 2]], {"1": [2]}]]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("fractions.Fraction(1, 4)", 0.25),
        ("numpy.float64(0.5)", 0.5),
        ("numpy.array([0, 1], dtype=bool)", [False, True]),
        ("{'a': numpy.int64(2)}.keys()", ["a"]),
    ],
)
def test_numbers_of_other_types_are_taken_as_numbers(expression, value):
    result = called(f"import fractions, numpy\ndef f():\n    return {expression}")
    assert result.value == [value]


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    return g()\ndef g():\n    return {}['missing']",
        "import asyncio\nasync def f():\n    async with asyncio.TaskGroup() as group:\n"
        "        group.create_task(g())\nasync def g():\n    return {}['missing']",
    ],
    ids=["function", "task group"],
)
def test_an_exception_is_told_with_the_readers_own_line(source):
    result = called(source)
    number = len(source.splitlines())
    assert result.kind == "raised"
    assert result.error == "KeyError: 'missing'"
    assert result.where == f"line {number}: return {{}}['missing']"


def test_an_error_of_syntax_has_its_line_too():
    from workerlab.checks.runner import call_source

    result = call_source("x = 1\ny = = 2\n", "f", [[]])
    assert result.error.startswith("SyntaxError") and result.where == "line 2: y = = 2"


def test_with_catch_an_exception_does_not_end_the_other_calls():
    source = "class Odd(ValueError): pass\ndef f(n):\n    if n % 2: raise Odd(n)\n    return n"
    result = called(source, [1], [2], catch=True)
    raised, value = result.value
    assert raised["raised"][:2] == ["Odd", "ValueError"] and raised["text"] == "1"
    assert value == 2


def test_a_coroutine_and_a_loop_of_its_own_both_work():
    assert called("async def f():\n    return 1").value == [1]
    own = "import asyncio\nasync def g():\n    return 1\ndef f():\n    return asyncio.run(g())"
    assert called(own).value == [1]


@pytest.mark.slow
def test_what_does_not_end_is_ended_with_all_that_it_started(monkeypatch):
    token = uuid.uuid4().hex
    monkeypatch.setenv(TOKEN, token)
    began = time.monotonic()
    result = called(
        "import subprocess, time\ndef f():\n    subprocess.Popen(['sleep', '60'])\n"
        "    time.sleep(60)",
        limit=1.0,
    )
    assert result.kind == "too long"
    assert time.monotonic() - began < 15
    assert describe(offspring(token)) == []


def test_an_exit_is_told_with_its_code():
    result = called("import os\ndef f():\n    os._exit(3)")
    assert (result.kind, result.value) == ("exited", 3)


def test_a_program_is_run_to_its_end(tmp_path):
    show = "import os; print(os.environ.get('PORT'), os.getcwd()); raise SystemExit(4)"
    os.environ["PORT"] = "1"
    try:
        ended = run([sys.executable, "-c", show], cwd=tmp_path, env={"PORT": None})
    finally:
        del os.environ["PORT"]
    assert ended.exit_code == 4 and ended.output == f"None {tmp_path.resolve()}\n"


def test_a_coroutine_runs_where_a_loop_is_running_already():
    async def answer() -> int:
        return 42

    async def notebook() -> int:
        return run_coroutine(answer())

    assert run_coroutine(notebook()) == 42
