"""Changing a module of a server's when it has been imported, from a `sitecustomize` of ours.

Both sitecustomize modules (server/inject, report/inject) load this from its file: the package need
not be installed where they run. Standard library only, and nothing newer than Python 3.8.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys


def change_when_imported(patches):
    """Call `patches[name]` with a module of that name, once it has been executed."""
    sys.meta_path.insert(0, Finder(patches))


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that are to be changed, and no other."""

    def __init__(self, patches):
        self.patches = patches

    def find_spec(self, name, path=None, target=None):
        if name not in self.patches:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            execute, patch = spec.loader.exec_module, self.patches[name]

            def execute_and_patch(module):
                execute(module)
                patch(module)

            spec.loader.exec_module = execute_and_patch
        return spec


def run_hidden_sitecustomize(folder):
    """Run the environment's own sitecustomize, which the one in `folder` hides."""
    others = [other for other in sys.path if os.path.abspath(other) != folder]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
