"""What is broken in lessons/03_the_thread_pool.ipynb."""

from tests.notebooks.breakages import Breakage, handler

START = ["predict", "launch"]
FORTY = [*START, "hundred", "claim-forty", "claim-waited"]
MORE = ["launch", "own-app", "more-launch", "more", "claim-more"]
CPU = ["launch", "predict-cpu", "cpu-launch", "cpu", "claim-cpu", "claim-health"]
HELD = ["launch", "rows-app", "match-app", "held", "claim-rows", "claim-match"]

HUNDRED = "/slow-def?seconds=1"
COMMAND = '"uvicorn app.main:app --port {port}"'


def lesson(old: str, new: str) -> tuple[str, str, str]:
    """An edit of the lesson's own cells."""
    return "lesson", old, new


BREAKAGES = [
    Breakage(
        "the pool has more than 40 tokens",
        [lesson(COMMAND, f'{COMMAND}, env={{"THREADS": "60"}}')],
        FORTY,
        {"claim-forty", "claim-waited"},
    ),
    Breakage(
        "the pool has fewer than 40 tokens",
        [lesson(COMMAND, f'{COMMAND}, env={{"THREADS": "35"}}')],
        FORTY,
        {"claim-forty"},
    ),
    Breakage(
        "the hundred handlers need no thread",
        [lesson(HUNDRED, "/slow-await?seconds=1")],
        FORTY,
        {"claim-forty", "claim-waited"},
    ),
    Breakage(
        "the hundred requests are sent one by one",
        [lesson(f'{HUNDRED}", n=100', '/slow-def?seconds=0.01", n=100, after="received"')],
        FORTY,
        {"claim-forty", "claim-waited"},
    ),
    Breakage(
        "forty requests need no more than forty tokens",
        [lesson("n=100", "n=40")],
        FORTY,
        # The picture's text says how many.
        {"hundred", "claim-forty", "claim-waited"},
    ),
    Breakage(
        "two workers share the hundred requests",
        [lesson(COMMAND, COMMAND.replace("--port", "--workers 2 --port"))],
        FORTY,
        {"claim-forty", "claim-waited"},
    ),
    Breakage(
        "health checks need a thread too",
        [handler("/health", "async def", "def")],
        [*FORTY, "claim-loop"],
        {"claim-loop"},
    ),
    Breakage(
        "no health check is sent while the pool is full",
        [lesson('health", rate=10, seconds=1', 'health", rate=1, seconds=1')],
        [*FORTY, "claim-loop"],
        {"claim-loop"},
    ),
    Breakage(
        "the lifespan sets another number",
        [lesson("total_tokens = 100", "total_tokens = 90")],
        MORE,
        {"claim-more"},
    ),
    Breakage(
        "nobody reads what the lifespan sets",
        [lesson("FastAPI(lifespan=lifespan)", "FastAPI()")],
        MORE,
        {"claim-more"},
    ),
    Breakage(
        "computing handlers only wait",
        [lesson("/cpu-def", "/slow-def")],
        CPU,
        {"claim-cpu", "claim-health"},
    ),
    Breakage(
        "the computing handlers run on the event loop",
        [lesson("/cpu-def", "/cpu")],
        CPU,
        {"claim-cpu", "claim-health"},
    ),
    Breakage(
        "one computing handler after the other",
        [lesson("n=4)", 'n=4, after="received")')],
        CPU,
        {"claim-cpu", "claim-health"},
    ),
    Breakage(
        "the type of the other one is declared",
        [
            lesson('app.get("/rows")', 'app.get("/rows", response_model=list[dict])'),
            lesson('"/rows-declared", response_model=list[dict]', '"/rows-declared"'),
        ],
        HELD,
        {"claim-rows"},
    ),
    Breakage(
        "there is nothing to encode",
        [lesson("range(50_000)", "range(20)")],
        HELD,
        {"claim-rows"},
    ),
    Breakage(
        "the regular expression finds its answer at once",
        [lesson('"(a+)+b"', '"a+b"')],
        HELD,
        {"claim-match"},
    ),
    Breakage(
        "Python code instead of the regular expression",
        [lesson('re.match("(a+)+b", "a" * 24)', "sum(sum(range(1000)) for _ in range(30_000))")],
        HELD,
        {"claim-match"},
    ),
]
