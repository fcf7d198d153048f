"""What is broken in lessons/05_who_gets_the_request.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler

SHARED = ["predict", "launch", "helpers", "repeat", "claim-shared"]
PINNED = ["launch", "helpers", "predict-pinned", "pinned", "claim-pinned"]
LOOP = ["launch", "claim-loop"]
HASH = ["launch", "helpers", "reuse", "claim-sockets", "claim-hash"]
TURN = ["launch", "helpers", "round", "claim-turn"]
KILL = ["launch", "helpers", "reuse", "kill", "claim-killed"]

ONE_WORKER = ("lesson", "--workers 4", "--workers 1")
EIGHT_WORKERS = ("lesson", "--workers 4", "--workers 8 --preload")
ONE_SOCKET = ("lesson", " --reuse-port", "")
ONE_BY_ONE = ("lesson", "burst(urls, n=n)", 'burst(urls, n=n, after="received")')
AWAITS = handler("/slow", SLEEP, AWAIT)
AT_ONCE = handler("/slow", SLEEP, "        pass")
QUICK = ("lesson", "range(20)", "range(1)")
FOUR = (
    "lesson",
    "import asyncio\n",
    "import asyncio\nfour = lambda: [Server('uvicorn app.main:app --port {port}', name=n)"
    " for n in '1234']\n",
)


def in_turn(server: str) -> tuple[str, str, str]:
    """The eight go to four servers, two to each, and not to this one."""
    return (
        "lesson",
        f'await twenty_runs(f"{{{server}.url}}/slow?seconds=0.05", n=8)',
        "await twenty_runs([s.url + '/slow?seconds=0.05' for s in four()], n=2)",
    )


BREAKAGES = [
    Breakage("shared by one worker", [ONE_WORKER], SHARED, {"claim-shared"}),
    Breakage("shared by eight workers", [EIGHT_WORKERS], SHARED, {"claim-shared"}),
    Breakage("the eight are sent in turn", [FOUR, in_turn("server")], SHARED, {"claim-shared"}),
    Breakage("the eight are sent one by one", [ONE_BY_ONE], SHARED, {"claim-shared"}),
    Breakage("the eight do not block", [AWAITS], SHARED, {"claim-shared"}),
    Breakage("the eight take no time", [AT_ONCE], SHARED, {"claim-shared"}),
    Breakage("pinned to the only worker", [ONE_WORKER], PINNED, {"claim-pinned"}),
    Breakage(
        "pinned to one of eight workers",
        [EIGHT_WORKERS, ("lesson", '/health", 29)', '/health", 57)')],  # eight or more to one
        PINNED,
        {"claim-pinned"},
    ),
    Breakage("the pinned requests do not block", [AWAITS], PINNED, {"claim-pinned"}),
    Breakage("the pinned requests take no time", [AT_ONCE], PINNED, {"claim-pinned"}),
    Breakage(
        "the pinned requests go over the connections of all workers",
        [("lesson", "over=its_own[:8]", "over=range(29)")],
        PINNED,
        {"pinned", "claim-pinned"},  # the picture's text says how many
    ),
    Breakage(
        "the pinned requests are sent one by one",
        [("lesson", "over=its_own[:8]", "n=8, over=its_own[:1]")],
        PINNED,
        {"claim-pinned"},
    ),
    Breakage(
        "the workers run asyncio's own loop",
        [("lesson", "UvicornWorker", "UvicornH11Worker")],
        LOOP,
        {"claim-loop"},
    ),
    Breakage(
        "the server is stopped before anybody looks at its loops",
        [("lesson", 'sentence = "each', 'server.stop()\nsentence = "each')],
        LOOP,
        {"claim-loop"},
    ),
    Breakage(
        "one socket in spite of --reuse-port",
        [ONE_SOCKET, QUICK],
        HASH,
        {"claim-sockets", "claim-hash"},
    ),
    Breakage("a socket for one worker", [ONE_WORKER], HASH, {"claim-sockets", "claim-hash"}),
    Breakage(
        "the eight of --reuse-port are sent in turn",
        [FOUR, in_turn("own_sockets")],
        HASH,
        {"claim-hash"},
    ),
    Breakage("the eight of --reuse-port are sent one by one", [ONE_BY_ONE], HASH, {"claim-hash"}),
    Breakage(
        "the client goes round two of four servers",
        [("lesson", "for one in servers]", "for one in servers[:2] * 2]"), QUICK],
        TURN,
        {"claim-turn"},
    ),
    Breakage("the eight in turn are sent one by one", [ONE_BY_ONE, QUICK], TURN, {"claim-turn"}),
    Breakage(
        "no blocked worker is killed",
        [
            ("lesson", "os.kill(victim, signal.SIGKILL)", "victim"),
            ("lesson", "seconds=10", "seconds=2"),
            QUICK,
        ],
        KILL,
        {"claim-killed"},
    ),
    Breakage(
        "the killed worker shares its socket, in spite of --reuse-port",
        [ONE_SOCKET, QUICK],
        KILL,
        {"claim-killed"},
    ),
    Breakage(
        "each killed worker has a socket of its own",
        [("lesson", "in (server, own_sockets)]", "in (own_sockets, own_sockets)]"), QUICK],
        KILL,
        {"claim-killed"},
    ),
]
