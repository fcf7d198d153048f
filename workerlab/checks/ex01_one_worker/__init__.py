"""The tasks of exercises/01_one_worker.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
