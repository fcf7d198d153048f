import signal

import pytest

from tests import nbval_adapter

# In the background of a shell a process ignores SIGINT, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    nbval_adapter.configure(config)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    result = yield
    nbval_adapter.judge(item, result.get_result())
