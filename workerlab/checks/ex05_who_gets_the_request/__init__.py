"""The tasks of exercises/05_who_gets_the_request.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
