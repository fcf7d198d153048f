"""The tasks of exercises/12_beyond_one_machine.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
