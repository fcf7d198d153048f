"""The bank of exercise 11, task 2: a file of Gunicorn's as one command of Uvicorn."""

from tests.answers import Right, Wrong, bank, judge
from workerlab.checks.ex11_which_server import check

LOST = {"timeout", "preload_app"}
COMMAND = (
    "uvicorn shop:app --host 127.0.0.1 --port {port} --workers 2 --timeout-keep-alive 1"
    " --timeout-graceful-shutdown 2 --limit-max-requests 500 --limit-max-requests-jitter 50"
    " --forwarded-allow-ips 127.0.0.1,192.0.2.7 --no-access-log"
)


def without(option: str) -> str:
    """The command without an option and its value."""
    before, after = COMMAND.split(f" {option}", 1)
    return before + after.partition(" --")[1] + after.partition(" --")[2]


@bank(
    Wrong(["gunicorn shop:app -c gunicorn_conf.py --bind 127.0.0.1:{port}", LOST], "not-uvicorn"),
    Right([COMMAND, LOST]),
    Right([f"UVICORN_TIMEOUT_KEEP_ALIVE=1 {without('--timeout-keep-alive')}", list(LOST)]),
    Right(
        [
            f"WEB_CONCURRENCY=2 python -m {without('--workers')} --limit-concurrency 1000"
            " --timeout-worker-healthcheck 60",
            ("preload_app", "timeout"),
        ]
    ),
    Right([f"{COMMAND} --loop asyncio --http h11 --timeout-worker-healthcheck 30", LOST]),
    Wrong([without("--workers"), LOST], "wrong-number"),
    Wrong([without("--no-access-log"), LOST], "access-log-on"),
    Wrong([without("--timeout-keep-alive"), LOST], "other-keepalive"),
    Wrong([without("--timeout-graceful-shutdown"), LOST], "other-graceful-timeout"),
    Wrong([COMMAND.replace("500", "50"), LOST], "other-max-requests"),
    Wrong([without("--limit-max-requests-jitter"), LOST], "other-max-requests-jitter"),
    Wrong([without("--forwarded-allow-ips"), LOST], "second-proxy-unknown"),
    Wrong([COMMAND.replace("127.0.0.1,192.0.2.7", "'*'"), LOST], "trusts-everybody"),
    Wrong([f"{COMMAND} --no-proxy-headers", LOST], "headers-unread"),
    Wrong([f"{COMMAND} --limit-concurrency 10", LOST], "limit-that-was-not"),
    Wrong([f"{COMMAND} --limit-concurrency 20", LOST], "limit-that-was-not"),
    Wrong([f"{COMMAND} --reload", LOST], "wrong-number"),
    Wrong([COMMAND.replace("shop:app", "app.main:app"), LOST], "another-app"),
    Wrong([f"{COMMAND} --timeout 2", LOST], "no-such-option"),
    Wrong([COMMAND.replace("127.0.0.1 ", "0.0.0.0 "), LOST], "open-to-the-network"),
    Wrong([COMMAND, {"preload_app"}], "timeout-not-lost"),
    Wrong([COMMAND, {"timeout"}], "preload-not-lost"),
    Wrong([COMMAND, LOST | {"max_requests_jitter"}], "has-a-counterpart"),
    Wrong([COMMAND, LOST | {"worker_connections"}], "nothing-to-lose"),
    Wrong([COMMAND, LOST | {"proc_name"}], "nothing-to-lose"),
    Wrong([COMMAND, "timeout, preload_app"], "not-settings"),
)
def test_task_2(case):
    judge(check, 2, case)
