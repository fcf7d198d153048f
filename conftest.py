import pytest

from tests import nbval_adapter


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    nbval_adapter.configure(config)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    result = yield
    nbval_adapter.judge(item, result.get_result())
