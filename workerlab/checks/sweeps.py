"""For copies made before December 2026. May go in 2028."""

from workerlab.checks.ex07_how_many_workers.sweeps import SHOWN, table  # noqa: F401
