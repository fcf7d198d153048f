"""What is broken in lessons/06_the_config_file.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler

START = ["predict", "imports"]
TIMEOUT_CLAIMS = ["claim-timeout", "claim-replaced", "claim-awaiting", "claim-line"]
TIMEOUT = [*START, "timeout", "see", *TIMEOUT_CLAIMS]
KEEPALIVE = [*START, "idle", "keepalive", "claim-keepalive"]
RECYCLE = [*START, "idle", "recycle", "claim-recycle", "claim-idle"]
LOG = [*START, "log", "claim-workers", "claim-log"]
LOG_CURE = [*START, "log-cure", "claim-log-cure"]
MISSPELT = [*START, "log-cure", "misspelt", "claim-misspelt", "catch", "claim-catch"]

# No worker is killed then, so none is to be waited for.
NONE_KILLED = ("lesson", ", gone=blocked.worker", "")

BREAKAGES = [
    Breakage(
        "the blocking handler awaits",
        [handler("/slow", SLEEP, AWAIT), NONE_KILLED],
        TIMEOUT,
        set(TIMEOUT_CLAIMS),
    ),
    Breakage(
        "timeout is longer than the block",
        [("lesson", "--timeout 4", "--timeout 30"), NONE_KILLED],
        TIMEOUT,
        set(TIMEOUT_CLAIMS),
    ),
    Breakage(
        "the awaiting handler blocks, under timeout",
        [handler("/slow-await", AWAIT, SLEEP)],
        # Not claim-line: two workers that are killed together write their stacks into each other.
        [cell for cell in TIMEOUT if cell != "claim-line"],
        {"claim-awaiting"},
    ),
    Breakage(
        "no stack is written",
        [("app/gunicorn_conf.py", "    faulthandler.enable()\n", "")],
        TIMEOUT,
        {"claim-line"},
    ),
    Breakage(
        "keepalive is the same for both",
        [("lesson", "--keep-alive 3", "--keep-alive 1")],
        KEEPALIVE,
        {"claim-keepalive"},
    ),
    Breakage(
        "both keepalives are ignored",
        [
            ("lesson", " --keep-alive 1", ""),
            ("lesson", " --keep-alive 3", ""),
            ("app/gunicorn_conf.py", "keepalive = 75", "keepalive = 4"),
        ],
        KEEPALIVE,
        {"claim-keepalive"},
    ),
    Breakage(
        "a second worker is started before the first has left",
        [
            ("lesson", "[old] = server.workers", "[old] = server.workers; server.signal('TTIN')"),
            ("lesson", 'n=40, after="received"', 'n=200, after="received"'),
        ],
        RECYCLE,
        {"claim-recycle"},
    ),
    Breakage(
        "no worker is recycled",
        [
            ("lesson", "--max-requests 20", "--max-requests 0"),
            ("app/gunicorn_conf.py", "keepalive = 75", "keepalive = 12"),
        ],
        RECYCLE,
        {"claim-recycle", "claim-idle"},
    ),
    Breakage(
        "$WORKERS is not read",
        [("app/gunicorn_conf.py", 'os.environ.get("WORKERS")', '"2"')],
        LOG,
        {"claim-workers"},
    ),
    Breakage(
        "a worker class that honours access_log_format",
        [("app/gunicorn_conf.py", '"uvicorn_worker.UvicornWorker"', '"asgi"')],
        LOG,
        {"log", "claim-log"},
    ),
    Breakage(
        "no formatter of its own",
        [("lesson", "handler.setFormatter(form)", "pass")],
        LOG_CURE,
        {"claim-log-cure"},
    ),
    Breakage(
        "the setting is spelled right",
        [("lesson", "nwokers = 3", "nworkers = 3")],
        MISSPELT,
        {"misspelt", "claim-misspelt", "catch", "claim-catch"},
    ),
]
