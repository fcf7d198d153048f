"""The tasks of exercises/03_the_thread_pool.ipynb."""

from workerlab.checks.exercise import Exercise

check = Exercise(__name__)
