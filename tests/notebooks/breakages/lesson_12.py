"""What is broken in lessons/12_beyond_one_machine.ipynb."""

from tests.notebooks.breakages import Breakage

START = ["imports", "shop", "hosts", "nginx"]
KILL = [*START, "predict", "kill", "see", "claim-get", "claim-post"]
SHARE = [*START, "share", "share-runs", "claim-share"]
IDLE = [*START, "predict-idle", "idle", "idle-run", "claim-idle"]
ROLL = [*START, "deploy", "roll", "claim-roll"]
LATE = [*START, "deploy", "roll", "predict-late", "late", "late-runs", "claim-late"]
WHO = [*START, "deploy", "roll", "predict-late", "late", "late-runs", "claim-who"]

# Without the first experiment, nobody has died.
ALL_ALIVE = ("lesson", '[start_host("host 1"), *alive]', "hosts")
NO_DEPLOY = ("lesson", "await replace(nginx, host)", "await asyncio.sleep(0.1)")

BREAKAGES = [
    Breakage(
        "nginx asks no other host",
        [("lesson", "location / {", "proxy_next_upstream off;\n    location / {")],
        KILL,
        {"claim-get"},
    ),
    Breakage(
        "nobody dies",
        [("lesson", "os.kill(pid, signal.SIGKILL)", "os.kill(pid, 0)")],
        KILL,
        {"claim-get", "claim-post"},
    ),
    Breakage(
        "the host is dead before the first request",
        [
            ("lesson", "os.kill(pid, signal.SIGKILL)", "pass"),
            (
                "lesson",
                'with status("requests arrive',
                "[os.kill(pid, 9) for pid in victims]\n"
                '__import__("time").sleep(1)\nwith status("requests arrive',
            ),
        ],
        KILL,
        {"claim-get", "claim-post"},
    ),
    Breakage(
        "nginx repeats POSTs as well",
        [
            (
                "lesson",
                "location / {",
                "proxy_next_upstream error timeout non_idempotent;\n    location / {",
            )
        ],
        KILL,
        {"claim-post"},
    ),
    Breakage(
        "both proxies count open requests",
        [
            ("lesson", 'upstream("turn", hosts)', 'upstream("turn", hosts, "least_conn;")'),
            ALL_ALIVE,
        ],
        SHARE,
        {"claim-share"},
    ),
    Breakage(
        "both proxies take turns",
        [("lesson", ', "least_conn;")', ")"), ALL_ALIVE],
        SHARE,
        {"claim-share"},
    ),
    Breakage(
        "the three workers are one",
        [("lesson", "--workers 3", "--workers 1"), ALL_ALIVE],
        SHARE,
        {"claim-share"},
    ),
    Breakage(
        "the quick requests fail",
        [("lesson", '{url}/who"', '{url}/nowhere"'), ALL_ALIVE],
        SHARE,
        {"claim-share"},
    ),
    Breakage(
        "both hosts keep connections for long",
        [("lesson", "--keep-alive {keepalive}", "--keep-alive 75")],
        IDLE,
        {"claim-idle"},
    ),
    Breakage(
        "both hosts keep connections for two seconds",
        [("lesson", "--keep-alive {keepalive}", "--keep-alive 2")],
        IDLE,
        {"claim-idle"},
    ),
    Breakage(
        "nginx keeps no connection",
        [("lesson", 'Connection "";', "Connection close;")],
        IDLE,
        {"claim-idle"},
    ),
    Breakage(
        "the file on the disk is still the old one",
        [("lesson", "write_text(NEW)", "write_text(SHOP)")],
        ROLL,
        {"claim-roll"},
    ),
    Breakage(
        "hosts are killed while nginx uses them",
        [
            ("lesson", 'await tell(nginx, host, "", " down")', "pass"),
            (
                "lesson",
                'host.signal("HUP")  # 3. new code',
                "[os.kill(pid, signal.SIGKILL) for pid in old]",
            ),
        ],
        ROLL,
        {"claim-roll"},
    ),
    Breakage(
        "both hosts leave at once",
        [("lesson", "leave(by_pause[2], last, 2)", "leave(by_pause[2], last, 0)"), NO_DEPLOY],
        LATE,
        {"claim-late"},
    ),
    Breakage(
        "nobody asks the host that pauses",
        [("lesson", "2: [stays, last]", "2: [stays]"), NO_DEPLOY],
        LATE,
        {"claim-late"},
    ),
    Breakage(
        "the balancer hears in time",
        [("lesson", "later(1, tell(", "later(0, tell("), NO_DEPLOY],
        LATE,
        {"claim-late"},
    ),
    Breakage(
        "the balancer asks the next host",
        [("lesson", "proxy_next_upstream off;", ""), NO_DEPLOY],
        LATE,
        {"claim-late"},
    ),
    Breakage(
        "the far proxy is near",
        [("lesson", " proxy_bind 127.0.0.9;", ""), NO_DEPLOY],
        WHO,
        {"claim-who"},
    ),
    Breakage(
        "nginx hands on no scheme",
        [("lesson", "proxy_set_header X-Forwarded-Proto https;", ""), NO_DEPLOY],
        WHO,
        {"claim-who"},
    ),
]
