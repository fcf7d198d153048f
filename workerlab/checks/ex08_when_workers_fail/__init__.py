"""The tasks of exercises/08_when_workers_fail.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
