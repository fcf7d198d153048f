"""Which ports of this machine are free."""

import itertools
import os
import socket
from collections import deque

# Below those that Linux and macOS give to clients, any of which might take a port in the moment
# between the look and the start of the server.
RANGE = range(20_000, 32_000)
# How far apart two processes with successive pids begin to look: a port is not to pass at once from
# a server that was stopped to one of another process, whom late clients of the first would ask.
STEP = 40
_looks = itertools.count()
# Of the last ports chosen: as long as such a socket is open, no other process chooses its port.
CLAIMS = 20
_claims: deque[socket.socket] = deque(maxlen=CLAIMS)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at this moment, and that no other process of the kit
    gets until this one ends or has chosen CLAIMS more.

    Raises OSError if there is none.
    """
    first = os.getpid() * STEP
    for _ in range(1000):
        port = RANGE[(first + next(_looks)) % len(RANGE)]
        if claim := claimed(port):
            if is_free(port):
                _claims.append(claim)
                return port
            claim.close()
    raise OSError(f"no free port of 127.0.0.1 from {RANGE.start} to {RANGE.stop - 1} was found")


def claimed(port: int) -> socket.socket | None:
    """A UDP socket with the number of this TCP port; None if another process has it.

    A server listens only a second after its port was chosen, and of two that chose the same one,
    Uvicorn's workers may go on without listening and without a word. The UDP port is in nobody's
    way, and only one process can have it.
    """
    claim = socket.socket(type=socket.SOCK_DGRAM)
    try:
        claim.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return None
    return claim


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
