"""For copies made before December 2026, whose tasks are of the first form. May go in 2028."""

from workerlab.checks.exercise import Exercise

check = Exercise("workerlab.checks.ex05_who_gets_the_request", form=1)
