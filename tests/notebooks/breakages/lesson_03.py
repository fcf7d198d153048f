"""What is broken in lessons/03_the_thread_pool.ipynb."""

from tests.notebooks.breakages import Breakage, main_py

START = ["predict", "launch"]
FORTY = [*START, "forty", "forty-one", "claim-forty", "claim-last"]

BREAKAGES = [
    Breakage(
        "the pool has more than 40 tokens",
        [main_py("    yield\n", "    limiter.total_tokens = 60\n    yield\n")],
        FORTY,
        {"claim-forty", "claim-last"},
    ),
    Breakage(
        "the pool has fewer than 40 tokens",
        [main_py("    yield\n", "    limiter.total_tokens = 20\n    yield\n")],
        FORTY,
        {"claim-forty"},
    ),
    Breakage(
        "$THREADS is not read",
        [main_py('if "THREADS" in os.environ', 'if "THREDS" in os.environ')],
        [*START, "more-launch", "claim-more"],
        {"claim-more"},
    ),
    Breakage(
        "computing handlers only wait",
        [main_py("    end = time.thread_time() + seconds\n", "    return time.sleep(seconds)\n")],
        [*START, "cpu", "claim-cpu"],
        {"claim-cpu"},
    ),
]
