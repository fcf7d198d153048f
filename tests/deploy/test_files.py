"""deploy/ says the same everywhere: grace periods, ports, health paths, pins; and names lessons."""

import re
from importlib.metadata import requires, version

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers import gunicorn_settings
from workerlab import ROOT

DEPLOY = ROOT / "deploy"
FILES = sorted(
    path for path in DEPLOY.rglob("*") if path.is_file() and "__pycache__" not in str(path)
)
# The place of the names: they hold settings of a place, of which no lesson is about any.
WITHOUT_LESSON = {"Dockerfile.dockerignore", "site.conf"}
DIRECT = ("fastapi", "uvicorn[standard]", "gunicorn", "uvicorn-worker", "valkey")
