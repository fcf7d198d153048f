"""For copies made before December 2026, whose tasks are of the first form. May go in 2028."""

from workerlab.checks.exercise import Exercise

check = Exercise("workerlab.checks.ex06_the_config_file", form=1)
