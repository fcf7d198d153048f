"""The tasks of exercises/11_which_server.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
