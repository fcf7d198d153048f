"""For copies made before December 2026, whose tasks are of the first form. May go in 2028."""

from workerlab.checks.exercise import Exercise

check = Exercise("workerlab.checks.ex02_blocking_the_loop", form=1)
