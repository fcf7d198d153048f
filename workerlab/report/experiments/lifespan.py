"""Whether the app's lifespan begins and ends."""

from workerlab.report.app import one_worker, running
from workerlab.report.experiments.context import Context
from workerlab.report.findings import Finding

FOR_THE_END = 10.0  # seconds after TERM


def find(context: Context) -> list[Finding]:
    """Start one worker, stop it with TERM, and look at what its lifespan said to the server."""
    with running(context.reader, one_worker(context.reader)) as app:
        seconds = app.seconds
        app.stop(FOR_THE_END)
        messages = [note["message"] for note in app.notes("lifespan")]
    begins = "lifespan.startup.complete" in messages
    ends = "lifespan.shutdown.complete" in messages
    title, weight, do = "The lifespan begins and ends", "fine", "Nothing."
    seen = "Its start-up and its shutdown were both complete."
    if not begins:
        title = "The app has no lifespan, or the server doesn't run it"
        seen = "Neither a start-up nor a shutdown was complete."
        do = "Nothing, unless the app has one: then look at the server's --lifespan option."
    elif not ends:
        title, weight = "The shutdown part of the lifespan didn't complete", "worth knowing"
        seen = "Its start-up was complete, its shutdown was not."
        do = "Make it shorter, or let it have more time: what is left is cut off by a kill."
    return [
        Finding(
            "lifespan",
            weight,
            title,
            "One worker was started, and stopped with TERM.",
            f"{seen} From the command to the first answer it took {seconds:.1f} s.",
            do,
            "09",
            figures={"begins": begins, "ends": ends, "start_seconds": round(seconds, 2)},
        )
    ]
