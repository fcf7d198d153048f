"""The engine that the tests of `./learn test --deploy` share: base, image and store."""

import pytest

from tests.deploy.live.engine import APP, DEPLOY, Engine
from workerlab import ROOT


@pytest.fixture(scope="session")
def bare_engine():
    """An engine with the base image and the wheels: made in about a minute, mostly downloads."""
    engine = Engine()
    try:
        engine.make_base()
        engine.download()
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="session")
def engine(bare_engine):
    """The same with the image that deploy/Dockerfile makes."""
    bare_engine.build(APP, DEPLOY / "Dockerfile", ROOT)
    return bare_engine
