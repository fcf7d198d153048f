"""What is broken in lessons/11_which_server.ipynb.

The trials' own code is `workerlab/server/settings/`.
"""

from tests.notebooks.breakages import Breakage

KINDS = "workerlab/server/settings/kinds.py"
SIGNALS = "workerlab/server/settings/signals.py"
FAILURES = "workerlab/server/settings/failures.py"
CONNECTIONS = "workerlab/server/settings/connections.py"
TIME_LIMITS = "workerlab/server/settings/time_limits.py"

START = ["rows", "predict", "trial"]
SHAPE = [*START, "predict-shape", "shape", "share", "shape-see"]
ALL = [*START, "failing", "signals", "ending", "requests", "see", "who"]

# On a busy machine four workers may take longer to import the app than Uvicorn waits for them.
PATIENT = ("lesson", "--workers 4", "--workers 4 --timeout-worker-healthcheck 60")
FIRST = ("lesson", "matrix |= ", "matrix = ")  # where no other trials went before
ONLY_FAILING = [*START, "failing", "who", "claim-failing"]
ONLY_SIGNALS = [*START, "signals", "who", "claim-deploying"]
ONLY_ENDING = [*START, "ending", "who", "claim-starting"]
ONLY_REQUESTS = [*START, "requests", "who", "claim-ignored"]

SOON = (FAILURES, "within=30", "within=12")  # an app that starts is waited for no longer
NEEDED = [
    *["timeout", "killed_worker", "max_requests", "ttin_ttou", "hup_slow_import"],
    *["hup_import_error", "term", "import_error", "lifespan_error", "worker_connections"],
    *["forwarded_allow_ips", "forwarded_for", "limit_request_line", "limit_request_fields"],
    *["access_log_format", "preload"],
]

BREAKAGES = [
    Breakage(
        "two servers are swapped",
        [
            (KINDS, 'name="UvicornWorker"', 'name="other"'),
            (KINDS, 'name="uvicorn --workers"', 'name="UvicornWorker"'),
            (KINDS, 'name="other"', 'name="uvicorn --workers"'),
        ],
        [
            *ALL,
            *["claim-failing", "claim-deploying", "claim-starting", "claim-ignored"],
            *["needs", "claim-decision"],
        ],
        {
            "see",
            "claim-failing",
            "claim-deploying",
            "claim-starting",
            "claim-ignored",
            "needs",
            "claim-decision",
        },
    ),
    Breakage(
        "asgi is UvicornWorker",
        [FIRST, (KINDS, "--worker-class asgi", "--worker-class uvicorn_worker.UvicornWorker")],
        ONLY_REQUESTS,
        {"claim-ignored"},
    ),
    Breakage(
        "no handler blocks",
        [(TIME_LIMITS, '"/block?seconds=30"', '"/wait?seconds=30"')],
        ONLY_FAILING,
        {"claim-failing"},
    ),
    Breakage(
        "no handler holds the GIL",
        [(TIME_LIMITS, '"/hold-gil"', '"/wait?seconds=30"')],
        ONLY_FAILING,
        {"claim-failing"},
    ),
    Breakage(
        "no worker is killed",
        [(FAILURES, "os.kill(min(first), signal.SIGKILL)", "os.kill(min(first), 0)")],
        ONLY_FAILING,
        {"claim-failing"},
    ),
    Breakage(
        "the new code is imported at once",
        [FIRST, (SIGNALS, "time.sleep(4)", "time.sleep(0)")],
        ONLY_SIGNALS,
        {"claim-deploying"},
    ),
    Breakage(
        "the code on the disk is never replaced",
        [FIRST, (SIGNALS, "write_text(code, ", "write_text(SERVED, ")],
        ONLY_SIGNALS,
        {"claim-deploying"},
    ),
    Breakage(
        "the app can be imported",
        [
            FIRST,
            SOON,
            (
                FAILURES,
                "return ends_with_an_error(kind, BROKEN",
                "return ends_with_an_error(kind, SERVED",
            ),
        ],
        ONLY_ENDING,
        {"claim-starting"},
    ),
    Breakage(
        "the lifespan doesn't raise",
        [FIRST, SOON, (FAILURES, "raise RuntimeError(", "print(")],
        ONLY_ENDING,
        {"claim-starting"},
    ),
    Breakage(
        "no proxy names the client",
        [FIRST, (CONNECTIONS, '"X-Forwarded-For"', '"X-Other"')],
        ONLY_REQUESTS,
        {"claim-ignored"},
    ),
    Breakage(
        "one server has a single worker",
        [("lesson", "--workers 4", "--workers 1")],
        [*SHAPE, "claim-share"],
        {"claim-share"},
    ),
    Breakage(
        "all requests go to one of the four servers",
        [PATIENT, ("lesson", "urls = [server.url for server in four]", "urls = [four[0].url] * 4")],
        [*SHAPE, "claim-share"],
        {"claim-share"},
    ),
    Breakage(
        "nobody kills the server of one",
        [PATIENT, ("lesson", "os.kill(four[0].pid, signal.SIGKILL)", "os.kill(four[0].pid, 0)")],
        [*SHAPE, "kill", "claim-kill"],
        {"claim-kill"},
    ),
    Breakage(
        "one of the four servers stands for all",
        [
            PATIENT,
            (
                "lesson",
                "for server in four for pid in server.pids]",
                "for server in four[:1] for pid in server.pids]",
            ),
        ],
        [*SHAPE, "cost", "claim-cost"],
        {"claim-cost"},
    ),
    Breakage(
        "the handlers don't compute",
        [PATIENT, ("lesson", 'mix = "/cpu?seconds=0.02"', 'mix = "/"')],
        [*SHAPE, "cost", "claim-cost"],
        {"claim-cost"},
    ),
    Breakage(
        "a need is looked up in another row",
        [
            ("lesson", "fill(FAILING", f"fill({NEEDED}"),
            ("lesson", 'killed": ["timeout"]', 'killed": ["term"]'),
        ],
        [*START, "failing", "who", "needs", "claim-decision"],
        {"needs", "claim-decision"},
    ),
]
