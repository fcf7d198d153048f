"""What is tried on the app as a whole: a module for each, with one function that returns findings.

An experiment that finds nothing out raises CannotRun with the reason, or adds it to
`context.unknown`.
"""

from collections.abc import Callable

from workerlab.report.experiments.context import Context
from workerlab.report.findings import Finding

Experiment = Callable[[Context], list[Finding]]

# In the order in which they are run.
EXPERIMENTS: dict[str, Experiment] = {}
