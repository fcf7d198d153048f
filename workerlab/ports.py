"""Which ports of this machine are free."""

import itertools
import os
import socket

# Below those that Linux and macOS give to clients, any of which might take a port in the moment
# between the look and the start of the server.
RANGE = range(20_000, 32_000)
# How far apart two processes with successive pids begin to look: both may look before either
# listens.
STEP = 40
_looks = itertools.count()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at this moment. Raises OSError if there is none."""
    first = os.getpid() * STEP
    for _ in range(1000):
        if is_free(port := RANGE[(first + next(_looks)) % len(RANGE)]):
            return port
    raise OSError(f"no free port of 127.0.0.1 from {RANGE.start} to {RANGE.stop - 1} was found")


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1."""
    return obstacle(port) is None


def obstacle(port: int) -> OSError | None:
    """What keeps a server from listening on this port of 127.0.0.1; None if nothing does."""
    with socket.socket() as probe:
        # Without it a port counts as taken for a minute after its last server has gone.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None
