"""Strict nbval over one notebook, in a process that begins with pytest and nbval imported.

To import them takes longer than all else that pytest does for a short notebook. A server that has
done so forks a process for each: https://docs.python.org/3/library/multiprocessing.html
"""

import multiprocessing
import os
import sys
from pathlib import Path

import nbval.plugin
import pytest

_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload(["workerlab.course.without_iri", __name__])


def run_nbval(
    notebook: Path, folder: Path, environment: dict[str, str], *, limit: float, cell_limit: float
) -> str:
    """What pytest prints of the notebook, run in the folder, which has a configuration of its own.

    The limits are in seconds: for all of it, and for a cell. Raises TimeoutError after `limit`.
    """
    output = folder / "pytest.log"
    options = [f"--nbval-cell-timeout={cell_limit}", "-rA", "-p", "no:cacheprovider"]
    arguments = ["--nbval", *options, str(notebook)]
    process = _forked.Process(target=_run, args=(arguments, folder, environment, output))
    process.start()
    try:
        process.join(limit)
        if process.is_alive():
            raise TimeoutError(f"{notebook.name} was not over in {limit} s:\n{output.read_text()}")
    finally:
        process.kill()
        process.join()
    return output.read_text()


def _run(arguments: list[str], folder: Path, environment: dict[str, str], output: Path) -> None:
    file = os.open(output, os.O_WRONLY | os.O_CREAT)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.exit(pytest.main(arguments, plugins=[nbval.plugin]))
