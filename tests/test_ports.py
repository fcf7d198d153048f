import socket
from pathlib import Path

import pytest

from workerlab import ports

CLIENTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_a_port_with_a_listener_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not ports.is_free(listener.getsockname()[1])


def test_a_server_can_listen_at_a_free_port():
    with socket.create_server(("127.0.0.1", ports.free_port())) as listener:
        assert listener.getsockname()[1] in ports.RANGE


def test_no_port_is_given_that_somebody_has(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        monkeypatch.setattr(ports, "RANGE", range(taken, taken + 1))
        with pytest.raises(OSError, match=str(taken)):
            ports.free_port()


@pytest.mark.skipif(not CLIENTS.exists(), reason="only Linux tells which ports clients get")
def test_clients_get_other_ports():
    assert int(CLIENTS.read_text().split()[0]) >= ports.RANGE.stop
