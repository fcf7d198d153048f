"""What is said of the memory that task 3 of exercise 07 has measured."""

from typing import Any

from workerlab.checks.ex07_how_many_workers.memory import WORKERS, Measured
from workerlab.checks.verdicts import Verdict, right, wrong

ENOUGH = 25.0  # MB of data; 40 are asked for
# Of what preloading saves: /read may cost no more than this part, /write must cost this part.
STAYS, IS_LOST = 0.4, 0.5
# Types which hold their values themselves, in one block, and not as objects of their own.
BLOCKS = ("array", "bytes", "bytearray", "memoryview", "ndarray", "mmap", "str")


def judge_measured(found: Measured, setting: str, ran: str) -> Verdict:
    details = {"ran": ran, "came_back": _figures(found)}
    read_by = [note for note in found.notes if note["what"] == "cell"]
    before = [note for note in found.notes if note["what"] == "settings"]
    if found.master not in [note["pid"] for note in read_by]:
        return wrong(
            "not-preloaded",
            "Each worker has imported your app for itself, after it was forked.",
            "Which setting makes the master import the app first?",
            **details,
            expected="an app which is imported once, before the workers are forked",
        )
    grown = (read_by[-1]["own"] - before[-1]["own"]) / 1e6
    verdict = _data(found, grown, read_by[-1], details)
    verdict = verdict or _body(found.sums, details)
    verdict = verdict or _read(found, read_by[-1], details)
    verdict = verdict or _write(found, details)
    return verdict or right("shared until it is written to.", ran, details["came_back"])


def _figures(found: Measured) -> str:
    # In one line, because the tests let a line of measured figures differ.
    return (
        f"{found.without:.0f} MB without preloading, {found.total['idle']:.0f} with your setting, "
        f"{found.total['read']:.0f} after /read in every worker, "
        f"{found.total['written']:.0f} after /write in every worker"
    )


def _data(
    found: Measured, grown: float, read: dict[str, Any], details: dict[str, str]
) -> Verdict | None:
    """The verdict on data which are not there, or not in time."""
    details = {**details, "expected": "40 MB of data which are there when the import is done"}
    if grown >= ENOUGH:
        return None
    if read["size"] > ENOUGH * 1e6:
        return wrong(
            "only-reserved",
            "Your data are large, and hardly any memory has been written to yet.",
            "Does a system give memory when it is asked for, or when it is first written to?",
            **details,
        )
    if found.own["idle"] > ENOUGH:
        return wrong(
            "data-after-the-fork",
            "Each worker makes the data for itself when it starts.",
            "When does the lifespan run: before the fork, or after it?",
            **details,
        )
    if found.own["read"] > found.own["idle"] + ENOUGH or found.own["written"] > ENOUGH:
        return wrong(
            "data-in-the-handler",
            "Each worker makes the data for itself when it is asked.",
            "Which lines run in the master, before any worker is there?",
            **details,
        )
    return wrong(
        "too-little-data",
        f"Your import needs {max(grown, 0):.0f} MB. That is too little to see what is saved.",
        "How many bytes does one element of your data take?",
        **details,
    )


def _body(sums: list[Any], details: dict[str, str]) -> Verdict | None:
    if any(body is None for body in sums):
        return wrong(
            "nothing-returned",
            "/read returns nothing.",
            "Which line of the handler hands the sum back?",
            **details,
        )
    if not all(isinstance(body, int | float) and not isinstance(body, bool) for body in sums):
        return wrong(
            "not-a-number",
            f"/read replies with {sums[0]!r:.60} and not with a number.",
            "What is the sum of all the data?",
            **details,
        )
    return None


def _read(found: Measured, read: dict[str, Any], details: dict[str, str]) -> Verdict | None:
    """The verdict on a saving which is lost before anything was to be written."""
    saved = found.without - found.total["idle"]
    details = {**details, "expected": "after /read hardly more than before"}
    if saved < ENOUGH:
        return wrong(
            "lost-before-the-first-request",
            "The master has the data, and the workers have copies before the first request.",
            "What does a worker do with the data when it starts?",
            **details,
        )
    if found.total["read"] - found.total["idle"] < STAYS * saved:
        return None
    if read["type"] in BLOCKS and read["size"] > ENOUGH * 1e6:
        return wrong(
            "read-keeps-memory",
            "/read makes something large and keeps it.",
            "What is still there when the handler has replied?",
            **details,
        )
    return wrong(
        "reference-counts",
        "/read only looks at the data, and the saving is lost: looking at an object writes to it.",
        "Where does Python keep the reference count of an object? Which types hold numbers that "
        "are no objects?",
        **details,
    )


def _write(found: Measured, details: dict[str, str]) -> Verdict | None:
    """The verdict on a saving which is still there after /write, or was lost otherwise."""
    saved = found.without - found.total["idle"]
    details = {**details, "expected": "after /write about as much as without preloading, or more"}
    is_lost = found.total["written"] - found.total["read"] >= IS_LOST * saved
    is_changed = found.sums_afterwards != found.sums[:1]
    if is_lost and is_changed:
        return None
    if is_lost:
        return wrong(
            "a-copy-beside",
            "/write makes something large and keeps it, and the data are as before: /read says so.",
            "Does your handler write to the object that /read looks at?",
            **details,
        )
    if not is_changed:
        if found.peak > ENOUGH / 2:
            return wrong(
                "writes-to-a-copy",
                "/write changes a copy, which is gone when it has replied.",
                "Which object does your handler change: the one that /read looks at?",
                **details,
            )
        return wrong(
            "only-reads",
            "After /write the data are as before, and still shared.",
            "Which line of your handler changes the data? What does /read say afterwards?",
            **details,
        )
    if found.shared_by_all:
        return wrong(
            "one-for-all",
            "What one worker writes, the others read: they share it for writing too.",
            "What kind of memory have you asked for? Which kind does a fork copy upon a write?",
            **details,
        )
    return wrong(
        "writes-to-few-pages",
        f"/write changes the data, and most of the pages of {WORKERS} workers are still shared.",
        "A page has 4096 bytes. To how many of them does your handler write?",
        **details,
    )
