"""The app whose `/wait` is given, and whose lifespan is the one in the reader's cell."""

import inspect
from contextlib import asynccontextmanager

from workerlab.checks.import_cell import import_cell
from workerlab.checks.together_app import make_app

lifespan = import_cell("lifespan").lifespan
if inspect.isasyncgenfunction(lifespan):  # not decorated yet
    lifespan = asynccontextmanager(lifespan)
app = make_app(lifespan)
