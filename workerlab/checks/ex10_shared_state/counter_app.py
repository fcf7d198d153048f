"""The reader's app of task 1, slowed: see `slowed`."""

from workerlab.checks.ex10_shared_state.slowed import slowed_cell

app = slowed_cell("app", 0.0005).app
