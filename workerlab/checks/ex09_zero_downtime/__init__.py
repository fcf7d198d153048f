"""The tasks of exercises/09_zero_downtime.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
