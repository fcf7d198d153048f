"""The checks of exercise 06: a file to a specification, two idle settings, two other ways."""

from typing import Any

from workerlab.checks.ex06_the_config_file.task_1_specification import judge_specification
from workerlab.checks.ex06_the_config_file.task_2_ignored_settings import judge_found
from workerlab.checks.ex06_the_config_file.task_3_ten_at_once import judge_limit
from workerlab.checks.ex06_the_config_file.task_4_durations import judge_lines
from workerlab.checks.exercise import Exercise
from workerlab.checks.verdicts import Verdict

check = Exercise("06")


@check.task(
    1,
    hints=[
        "Take the requirements one by one: which setting is for each, and which of them need a "
        "line of Python before them?",
        "What ends a program with one line and exit code 1? What does os.environ.get return for a "
        'variable that is not there? And which strings would int() take that you do not want: "0", '
        '"-2"?',
        'text = os.environ.get("WORKERS", "2"); unless text.isdecimal() and int(text) > 0: '
        'sys.exit(f"WORKERS ... {text!r}"). Then workers, bind, worker_class, max_requests with '
        "max_requests_jitter (which is added), timeout = 4, accesslog and errorlog.",
    ],
)
def specification(config: Any) -> Verdict:
    return judge_specification(config)


@check.task(
    2,
    hints=[
        "Which of these settings does Gunicorn's master carry out itself, and which does "
        "UvicornWorker hand on to Uvicorn?",
        "Two are left which neither does: one is for a number of connections, one for the form of "
        "a line. What did lesson 06 say of them?",
        "With worker_connections = 5, forty requests were under way at once. The other one is the "
        "setting next to accesslog.",
    ],
)
def two_idle_settings(found: Any) -> Verdict:
    return judge_found(found)


@check.task(
    3,
    hints=[
        "Which option of Uvicorn turns requests away with 503? What does uvicorn --help say?",
        "A class built on UvicornWorker can hand Uvicorn more parameters. Through which attribute? "
        "And how many connections are there when the tenth one is looked at?",
        "class LimitedWorker(UvicornWorker), in it CONFIG_KWARGS = {**UvicornWorker.CONFIG_KWARGS, "
        '"limit_concurrency": 11}; below it worker_class = LimitedWorker, without quotation marks.',
    ],
)
def ten_at_once(config: Any) -> Verdict:
    return judge_limit(config)


@check.task(
    4,
    hints=[
        "An ASGI app is called with scope, receive and send. What would a function have to do "
        "which stands before it, and looks at the clock?",
        "The method and the path are in the scope. The status is in one of the messages which the "
        "app sends: how do you get to see them? And what if the scope is not of type http?",
        "async def logged(scope, receive, send): take the time; async def watched(message): keep "
        'message.get("status", status), then await send(message); await app(scope, receive, '
        "watched); for http, print method, path, status and seconds. Then worker.wsgi = logged.",
    ],
)
def lines_with_durations(config: Any) -> Verdict:
    return judge_lines(config)
