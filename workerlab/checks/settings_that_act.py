"""For copies made before December 2026. May go in 2028."""

from workerlab.checks.ex06_the_config_file.task_2_ignored_settings import GIVEN  # noqa: F401
