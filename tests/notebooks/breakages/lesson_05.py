"""What is broken in lessons/05_who_gets_the_request.ipynb."""

from tests.notebooks.breakages import AWAIT, SLEEP, Breakage, handler

START = ["predict", "launch", "repeat", "see-repeat"]
IN_TURN = (
    "lesson",
    'await shares(f"{server.url}/slow?seconds=0.05", n=8)',
    "await shares([s.url + '/slow?seconds=0.05' for s in four()], n=2)",
)
FOUR = (
    "lesson",
    "import asyncio\n",
    "import asyncio\nfour = lambda: [Server('uvicorn app.main:app --port {port}', name=n)"
    " for n in '1234']\n",
)

BREAKAGES = [
    Breakage(
        "the eight are sent in turn",
        [FOUR, IN_TURN],
        [*START, "claim-shared"],
        {"claim-shared"},
    ),
    Breakage(
        "the pinned requests do not block",
        [handler("/slow", SLEEP, AWAIT)],
        ["launch", "connect", "send", "claim-pinned", "close"],
        {"claim-pinned"},
    ),
    Breakage(
        "the eight of --reuse-port are sent in turn",
        [FOUR, (IN_TURN[0], IN_TURN[1].replace("server.url", "own_sockets.url"), IN_TURN[2])],
        [*START, "reuse", "round", "see-ways", "claim-hash"],
        {"claim-hash"},
    ),
    Breakage(
        "the client goes round two of four servers",
        [("lesson", "for s in servers]", "for s in servers[:2] * 2]")],
        [*START, "reuse", "round", "see-ways", "claim-turn"],
        {"claim-turn"},
    ),
]
