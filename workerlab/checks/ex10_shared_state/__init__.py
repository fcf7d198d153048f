"""The tasks of exercises/10_shared_state.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
