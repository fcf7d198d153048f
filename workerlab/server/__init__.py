"""Servers in separate processes: launched, waited for, inspected, and stopped with the notebook.

The names are imported at first use, so that a module of this package can be had without psutil.
"""

import importlib

_HOMES = {
    "ROOT": "workerlab",
    "Server": "workerlab.server.server",
    "adopt": "workerlab.server.server",
    "end": "workerlab.server.server",
    "release": "workerlab.server.server",
    "stop_all": "workerlab.server.server",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'workerlab.server' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
