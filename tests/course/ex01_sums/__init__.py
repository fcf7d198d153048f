"""An exercise for test_check.py: three times the same task."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
