"""What the notebooks import.

Server            starts a server in separate processes and stops it with the notebook
burst             sends requests all at once, or each after the one before
steady            sends requests at a constant rate
closed_loop       lets some clients send one request after another
kept_connections  opens connections over which one request after another is sent
claim             checks a sentence of the lesson against this very run
not_measurable    says that this machine can't show whether a claim holds, and why
reveal            shows your guess next to the measured figure
bars              a picture of a few numbers side by side
curves            a picture of how some numbers depend on another
distribution      a picture of the results of repeated runs
steps             goes through a long loop and shows how far it has got
stop_all          stops every server of this notebook
"""

import importlib
import os
import sys
from pathlib import Path

if os.name == "nt":
    sys.exit(
        "These lessons need Linux or macOS, because Gunicorn does. On Windows use WSL "
        "(https://learn.microsoft.com/windows/wsl/) or the container in .devcontainer/."
    )

ROOT = Path(__file__).resolve().parent.parent  # the repository
_HOMES = {
    "Server": "workerlab.server.server",
    "ServerDidNotStart": "workerlab.server.start_errors",
    "bars": "workerlab.pictures.charts",
    "burst": "workerlab.load",
    "claim": "workerlab.claims",
    "closed_loop": "workerlab.load",
    "curves": "workerlab.pictures.charts",
    "distribution": "workerlab.pictures.charts",
    "kept_connections": "workerlab.connections",
    "not_measurable": "workerlab.claims",
    "reveal": "workerlab.claims",
    "steady": "workerlab.load",
    "steps": "workerlab.status",
    "stop_all": "workerlab.server.server",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    # Imported at first use: the served app imports workerlab.probe, and a worker should not
    # have to load an HTTP client and a drawing library for that.
    if name not in _HOMES:
        raise AttributeError(f"module 'workerlab' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
