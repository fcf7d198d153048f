"""Exercise 11, task 1: from a matrix and what you need, the servers that do all of it."""

from typing import Any

from workerlab.checks.function import Mistake, Part, judge_function
from workerlab.checks.verdicts import Verdict

HINTS = [
    "When does one server do: if it has one of the needs, or all of them? And which of the words "
    "in the matrix says that it has one?",
    'A row\'s keys are the servers. For each of them, ask whether the verdict is "acts" in every '
    "row that you need. If no server is left, what does a filter return by itself? And when is a "
    "need looked up that comes after one that nobody has?",
    "First `if set(needs) - set(matrix): raise ValueError`. Then take the servers from any row, "
    'and keep a server if all(matrix[need][server] == "acts" for need in needs).',
]
Matrix = dict[str, dict[str, str]]

MATRIX: Matrix = {
    "killed_worker": {"red": "acts", "green": "acts", "blue": "acts"},
    "timeout": {"red": "ignored", "green": "acts", "blue": "acts"},
    "slow_import": {"red": "acts", "green": "differs", "blue": "differs"},
    "log_format": {"red": "not there", "green": "ignored", "blue": "acts"},
    "preload": {"red": "not there", "green": "acts", "blue": "acts"},
}
TWO: Matrix = {"keepalive": {"one": "acts", "two": "ignored"}, "term": dict(one="acts", two="acts")}
CALLS: list[list[Any]] = [
    [MATRIX, ["timeout", "log_format"]],
    [MATRIX, ["timeout"]],
    [MATRIX, ["preload"]],
    [MATRIX, ["preload", "timeout", "killed_worker"]],
    [MATRIX, ["slow_import"]],
    [MATRIX, ["timeout", "slow_import"]],
    [MATRIX, []],
    [TWO, ["term", "keepalive"]],
    [TWO, []],
    [MATRIX, ["http3"]],
    [MATRIX, ["timeout", "slow_import", "http3"]],
]


def found(
    matrix: Matrix, needs: list[str], words: tuple[str, ...] = ("acts",), enough: Any = all
) -> list[str]:
    """The servers that have the needs, sorted. For an unknown one a KeyError, or by chance none."""
    servers = sorted(next(iter(matrix.values())))
    return [s for s in servers if enough(matrix[need][s] in words for need in needs)]


def servers_for(matrix: Matrix, needs: list[str], *rule: Any, error: Any = ValueError) -> list[str]:
    """The servers that have the needs, sorted. Raises ValueError for a need that is no row."""
    if unknown := set(needs) - set(matrix):
        raise error(f"not in the matrix: {', '.join(unknown)}")
    return found(matrix, needs, *rule)


def _skipping(matrix: Matrix, needs: list[str]) -> list[str]:
    return found(matrix, [need for need in needs if need in matrix])


UNKNOWN = "What should somebody who misspells a need find out, and from what?"
# Each known wrong way: what it returns, a sentence, a question.
WAYS = {
    "one-need-is-enough": (
        lambda matrix, needs: servers_for(matrix, needs, ("acts",), any),
        "Your function names servers that have only some of the needs.",
        "Would you deploy with a server that does half of what you need?",
    ),
    "differs-counts": (
        lambda matrix, needs: servers_for(matrix, needs, ("acts", "differs")),
        'Your function counts "differs" as if the server did it.',
        'What happens on a server for which the matrix says "differs"?',
    ),
    "not-ignored-is-enough": (
        lambda matrix, needs: servers_for(matrix, needs, ("acts", "differs", "not there")),
        'Your function takes everything but "ignored" for a server that does it.',
        "Which words of the matrix mean that the server does it, and how many are there?",
    ),
    "no-needs-no-server": (
        lambda matrix, needs: servers_for(matrix, needs) if needs else [],
        "Your function finds no server if nothing is needed.",
        "Which server lacks anything if you need nothing?",
    ),
    "unknown-skipped": (_skipping, "Your function skips a need that no row has.", UNKNOWN),
    "unknown-means-none": (
        lambda matrix, needs: found(matrix, needs) if set(needs) <= set(matrix) else [],
        "Your function says that no server does where nobody has tried.",
        UNKNOWN,
    ),
    "key-error": (
        lambda matrix, needs: servers_for(matrix, needs, error=KeyError),
        "Your function raises a KeyError, not a ValueError.",
        UNKNOWN,
    ),
    "found-by-chance": (
        found,
        "Whether your function notices an unknown need depends on the needs before it.",
        "Which row does your loop look up last, and for which servers?",
    ),
}
SERVERS = Part(
    of=servers_for,
    fits=lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    kind="a list of names of servers",
    other="other-servers",
    mistakes={name: Mistake(*way) for name, way in WAYS.items()},
)


def in_any_order(answer: Any) -> Any:
    """A list of names, sorted."""
    return sorted(answer) if SERVERS.fits(answer) else answer


def shown(call: list[Any]) -> str:
    """One call, for the verdict."""
    lines = "\n".join(f"{need}: {row}" for need, row in call[0].items())
    return f"servers_for(matrix, {call[1]}), where the matrix is\n{lines}"


def check(answer: Any) -> Verdict:
    """Call the function with small matrices."""
    return judge_function(answer, CALLS, [SERVERS], read=in_any_order, show=shown)
