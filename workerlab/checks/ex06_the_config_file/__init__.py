"""The tasks of exercises/06_the_config_file.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
