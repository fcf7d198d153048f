import socket
import subprocess
import sys
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


def test_a_port_is_given_to_one_process_before_its_server_listens():
    port = ports.free_port()
    only = f"ports.RANGE = range({port}, {port + 1})"
    code = f"from workerlab import ports; {only}; ports.free_port()"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert other.returncode == 1
    assert f"no free port of 127.0.0.1 from {port}" in other.stderr


def test_two_processes_look_at_different_ports():
    code = "from workerlab.ports import free_port; print(*(free_port() for _ in range(20)))"
    command = [sys.executable, "-c", code]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    found = [set(process.communicate()[0].split()) for process in processes]
    assert [len(ports) for ports in found] == [20] * 4
    assert len(set.union(*found)) == 80
