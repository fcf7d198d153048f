"""What is broken in lessons/09_zero_downtime.ipynb."""

from tests.notebooks.breakages import Breakage

START = ["versions", "predict", "launch"]
HUP = [*START, "load", "reload", "see", "claim-gunicorn", "claim-uvicorn"]
SECOND = [*HUP, "second", "claim-second"]
TRIALS = [*START, "trials", "run-trials", "outcomes", "claim-trials"]
LEAVING = ["leave", "left", "table", "claim-drops", "claim-short", "claim-stream"]
DROPS = [*START, "trials", "run-trials", "shop", "predict-drops", "more-work", *LEAVING]

# What never comes is not to be waited for as long.
SHORT_LIMIT = ("lesson", "time.monotonic() + 30", "time.monotonic() + 12")

BREAKAGES = [
    Breakage(
        "the file on the disk is still the old one",
        [("lesson", "write_text(NEW)", "write_text(OLD)"), SHORT_LIMIT],
        HUP,
        {"claim-gunicorn", "claim-uvicorn"},
    ),
    Breakage(
        "the import of the new code takes no time",
        [
            ("lesson", "time.sleep(2)", "time.sleep(0)"),
            (
                "lesson",
                "began = time.monotonic()\nfrom fastapi import FastAPI",
                "from fastapi import FastAPI\nbegan = time.monotonic()",
            ),
        ],
        HUP,
        {"claim-gunicorn", "claim-uvicorn"},
    ),
    Breakage(
        "Gunicorn has preloaded the app",
        [("lesson", '--workers 2"\nGUNICORN', '--workers 2 --preload"\nGUNICORN'), SHORT_LIMIT],
        HUP,
        {"claim-gunicorn"},
    ),
    Breakage(
        "both servers are Uvicorns",
        [("lesson", 'Server(GUNICORN, name="Gunicorn"', 'Server(PATIENT, name="Gunicorn"')],
        HUP,
        {"claim-gunicorn"},
    ),
    Breakage(
        "both servers are Gunicorns",
        [("lesson", 'Server(PATIENT, name="Uvicorn"', 'Server(GUNICORN, name="Uvicorn"')],
        HUP,
        {"claim-uvicorn"},
    ),
    Breakage(
        "the workers are killed and not replaced in good order",
        [
            (
                "lesson",
                'server.signal("HUP")',
                "[os.kill(pid, signal.SIGKILL) for pid in old_workers]",
            )
        ],
        [*SECOND, "claim-lost"],
        {"claim-uvicorn", "claim-lost"},
    ),
    Breakage(
        "HUP instead of a second master",
        [("lesson", "os.kill(old, signal.SIGUSR2)", "os.kill(old, signal.SIGHUP)"), SHORT_LIMIT],
        SECOND,
        {"claim-second"},
    ),
    Breakage(
        "the old master stays",
        [("lesson", "os.kill(old, signal.SIGTERM)", "os.kill(old, 0)"), SHORT_LIMIT],
        SECOND,
        {"claim-second"},
    ),
    Breakage(
        "the broken import goes to a second master",
        [
            (
                "lesson",
                '"Gunicorn, HUP, import error": (GUNICORN, BROKEN, "HUP"',
                '"Gunicorn, HUP, import error": (GUNICORN, BROKEN, "USR2"',
            )
        ],
        TRIALS,
        {"outcomes", "claim-trials"},
    ),
    Breakage(
        "nothing is preloaded",
        [("lesson", 'ALONE + " --preload"', "ALONE")],
        TRIALS,
        {"outcomes", "claim-trials"},
    ),
    Breakage(
        "a Gunicorn is taken for a Uvicorn",
        [
            (
                "lesson",
                '(UVICORN, BROKEN, "HUP", "aborting the restart")',
                '(GUNICORN, BROKEN, "HUP", "Worker failed to boot")',
            )
        ],
        TRIALS,
        {"outcomes", "claim-trials"},
    ),
    Breakage(
        "the handler awaits the task that it created",
        [
            (
                "lesson",
                'tasks.add(asyncio.create_task(work("/order-task")))',
                'await work("/order-task")',
            )
        ],
        DROPS,
        {"table", "claim-drops", "claim-short"},
    ),
    Breakage(
        "there is not time enough",
        [
            ("lesson", "(5, [kind])", "(2, [kind])"),
            ("lesson", "asyncio.sleep(3)", "asyncio.sleep(9)"),
        ],
        DROPS,
        {"table", "claim-drops", "claim-stream"},
    ),
    Breakage(
        "there is always time enough",
        [("lesson", "(1, KINDS)", "(10, KINDS)")],
        DROPS,
        {"table", "claim-short", "claim-stream"},
    ),
    Breakage(
        "the streams end by themselves",
        [("lesson", "while True:\n            yield", "for _ in range(3):\n            yield")],
        DROPS,
        {"table", "claim-stream"},
    ),
]
