"""What is broken in lessons/06_the_config_file.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler

START = ["predict", "imports"]
TIMEOUT = [*START, "timeout", "claim-timeout", "claim-replaced", "claim-awaiting"]
MISSPELT = [*START, "misspelt", "claim-misspelt", "catch", "claim-catch"]

BREAKAGES = [
    Breakage(
        "$WORKERS is not read",
        [("app/gunicorn_conf.py", 'os.environ.get("WORKERS")', "None")],
        [*START, "workers", "claim-workers"],
        {"workers", "claim-workers"},
    ),
    Breakage(
        "a worker class that honours access_log_format",
        [("app/gunicorn_conf.py", '"uvicorn_worker.UvicornWorker"', '"asgi"')],
        [*START, "log", "claim-log"],
        {"log", "claim-log"},
    ),
    Breakage(
        "no formatter of its own",
        [("lesson", "handler.setFormatter(form)", "pass")],
        [*START, "log-cure", "log-own", "claim-log-cure"],
        {"claim-log-cure"},
    ),
    Breakage(
        "the blocking handler awaits",
        [handler("/slow", SLEEP, AWAIT), ("lesson", ", gone=before[0]", "")],
        TIMEOUT,
        {"claim-timeout", "claim-replaced"},
    ),
    Breakage(
        "the awaiting handler blocks, under timeout",
        [handler("/slow-await", AWAIT, SLEEP)],
        TIMEOUT,
        {"claim-awaiting"},
    ),
    Breakage(
        "no worker is recycled",
        [("lesson", "--max-requests 30 --max-requests-jitter 15", "--max-requests 0")],
        [*START, "recycle", "claim-recycle"],
        {"claim-recycle"},
    ),
    Breakage(
        "keepalive is the same for both",
        [("lesson", "--keep-alive 2", "--keep-alive 1")],
        [*START, "keepalive", "claim-keepalive"],
        {"claim-keepalive"},
    ),
    Breakage(
        "the setting is spelt right",
        [("lesson", "nwokers = 3", "nworkers = 3")],
        MISSPELT,
        {"misspelt", "claim-misspelt", "catch", "claim-catch"},
    ),
]
