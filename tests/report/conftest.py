"""A runner of the report on a small app."""

import pytest

from tests.report.helpers import Runner


@pytest.fixture
def report(tmp_path, capsys, monkeypatch) -> Runner:
    return Runner(tmp_path, capsys, monkeypatch)
