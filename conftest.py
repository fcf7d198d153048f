import os
import signal

import pytest

from tests import nbval_adapter
from tests.scheduler import pytest_xdist_make_scheduler  # noqa: F401 - pytest finds it here

# In the background of a shell a process ignores SIGINT, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# They come first: where processes share the slow tests, none is left alone with one at the end.
LONG = ("tests/notebooks/test_breakages.py", "tests/report/", "tests/server/test_ends.py")

COUNT_OF_SLOW = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    nbval_adapter.configure(config)
    if config.option.markexpr == "slow":
        # What a test starts inherits it.
        path = [str(config.rootpath / "tests/lean_fastapi"), os.environ.get("PYTHONPATH")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))


def wants_quick_tests_only(config):
    """Whether the slow tests stay out: neither says -m which are wanted, nor is a test named."""
    return not config.option.markexpr and not any("::" in argument for argument in config.args)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if wants_quick_tests_only(config):
        slow = {item for item in items if item.get_closest_marker("slow")}
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)
        config.stash[COUNT_OF_SLOW] = len(slow)
    else:
        items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_terminal_summary(terminalreporter, config):
    # With -n the processes collect for themselves, and how many each left out is not known here.
    count = config.stash.get(COUNT_OF_SLOW, "all")
    if wants_quick_tests_only(config) and count:
        line = f"Slow tests left out: {count}; ./learn test --all runs them too."
        terminalreporter.write_line(line)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    result = yield
    nbval_adapter.judge(item, result.get_result())
