"""What is tried on the app as a whole: a module for each, with one function that returns findings.

An experiment that finds nothing out raises CannotRun with the reason, or adds it to
`context.unknown`.
"""

from collections.abc import Callable

from workerlab.report.experiments import (
    before_fork,
    capacity,
    how_many,
    lifespan,
    logs,
    memory,
    pool,
    settings,
    signals,
)
from workerlab.report.experiments.context import Context
from workerlab.report.findings import Finding

Experiment = Callable[[Context], list[Finding]]

# In the order in which they are run.
EXPERIMENTS: dict[str, Experiment] = {
    "the thread pool's edge": pool.find,
    "what one worker can take": capacity.find,
    "what a kill, a HUP and a TERM cost": signals.find,
    "the memory of a worker": memory.find,
    "how many workers to start from": how_many.find,
    "what is opened before the fork": before_fork.find,
    "the lifespan": lifespan.find,
    "whether its log lines are shown": logs.find,
    "settings of gunicorn_conf.py": settings.find,
}
