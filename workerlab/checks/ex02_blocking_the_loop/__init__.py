"""The tasks of exercises/02_blocking_the_loop.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
