"""What is broken in lessons/00_start_here.ipynb."""

from tests.notebooks.breakages import Breakage

TOGETHER = ["predict", "wait", "measure"]
BOTH = [*TOGETHER, "one-by-one"]

BREAKAGES = [
    Breakage(
        "the wait blocks",
        [("lesson", "await asyncio.sleep(1)", "time.sleep(1)")],
        [*BOTH, "claim-together", "claim-one-by-one", "claim"],
        {"claim-together", "claim"},
    ),
    Breakage(
        "the waits take no time",
        [("lesson", "await asyncio.sleep(1)", "await asyncio.sleep(0)")],
        [*BOTH, "claim-together", "claim-one-by-one"],
        {"claim-together", "claim-one-by-one"},
    ),
    Breakage(
        "there is one wait only",
        [("lesson", "gather(wait(), wait(), wait())", "gather(wait())")],
        [*TOGETHER, "claim-together"],
        {"claim-together"},
    ),
    Breakage(
        "the waits one by one are started in pairs",
        [
            (
                "lesson",
                "one_by_one.append(await wait())",
                "one_by_one += await asyncio.gather(wait(), wait())",
            )
        ],
        [*BOTH, "claim-together", "claim-one-by-one", "claim"],
        {"claim-one-by-one"},
    ),
]
