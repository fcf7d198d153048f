"""Kernels that the tests start."""

import shutil
import tempfile
from typing import Any

from jupyter_client.manager import KernelManager


class SocketKernelManager(KernelManager):
    """Talks to its kernel through Unix sockets, in a folder that goes with the kernel.

    jupyter_client chooses free ports, and the kernel takes them a second later: by then one of
    them may be the other end of some test's request, and the kernel never answers.
    """

    def __init__(self, **options: Any) -> None:
        self._folder = tempfile.mkdtemp(prefix="kernel-")
        # The sockets lie beside this file.
        options["connection_file"] = f"{self._folder}/kernel.json"
        super().__init__(transport="ipc", **options)

    def cleanup_connection_file(self) -> None:
        super().cleanup_connection_file()
        shutil.rmtree(self._folder, ignore_errors=True)
