"""The tasks of exercises/04_many_workers.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
