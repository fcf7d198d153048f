"""How several processes share the slow tests out: one by one, except for those of a few files."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# What these share takes many seconds to make: a site, a browser, a clone with its environment.
TOGETHER = (
    "tests/site/test_site.py",
    "tests/browser/test_browser.py",
    "tests/course/test_learn.py",
)


class FixtureScheduling(LoadScopeScheduling):
    """Gives all tests of a file in TOGETHER to one process, and any other test to the next free.

    xdist's own way, the mark `xdist_group`, does nothing with pytest 9.2:
    https://github.com/pytest-dev/pytest-xdist/issues/1386
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FixtureScheduling | None:
    """Take the place of xdist's `--dist loadgroup`."""
    return FixtureScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None
