"""The reader's app of task 3, imported within a time limit."""

from workerlab.checks.import_cell import import_cell

app = import_cell("app").app
