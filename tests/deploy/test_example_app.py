"""deploy/example_app.py: what it answers if its store does not."""

import asyncio
import runpy

import pytest
from fastapi import HTTPException

from workerlab import ROOT
from workerlab.ports import free_port


@pytest.fixture
def app(monkeypatch):
    """The functions of the app, where nobody listens at the store's address."""
    monkeypatch.setenv("VALKEY_URL", f"valkey://127.0.0.1:{free_port()}")
    return runpy.run_path(str(ROOT / "deploy/example_app.py"))


def test_without_the_store_the_counter_says_so_and_the_app_stays_ready(app):
    with pytest.raises(HTTPException) as answer:
        asyncio.run(app["count"]())
    assert answer.value.status_code == 503
    assert app["ready"]() == {"status": "ready"}
