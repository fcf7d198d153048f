"""Whether the app's own log lines are shown."""

from workerlab.report.environment import CannotRun
from workerlab.report.experiments.context import Context
from workerlab.report.findings import Finding


def find(context: Context) -> list[Finding]:
    """Look at the loggers of a started worker. Raises CannotRun if the app has none."""
    told = context.description.get("logging")
    if told is None:
        raise CannotRun("the loggers of the app could not be looked at")
    count, shown = told["loggers"], told["shown"]
    if not count:
        raise CannotRun("the app has no logger of its own")
    lost = count - shown
    those = f"{lost} of the app's {count} loggers" if count > 1 else "the app's logger"
    return [
        Finding(
            "logs",
            "worth knowing" if lost else "fine",
            f"INFO lines of {those} are not shown" if lost else "The app's log lines are shown",
            "The loggers that are no library's, in one worker after its start: their level, and "
            "the handlers that a line of level INFO would reach.",
            f"{shown} of {count} would show such a line.",
            "Give the root logger a level and a handler where the app starts, for instance with "
            "logging.basicConfig(level=logging.INFO), or pass the server a logging configuration: "
            "without one, Python shows lines from WARNING on."
            if lost
            else "Nothing.",
            "13",
            figures={"loggers": count, "shown": shown},
        )
    ]
