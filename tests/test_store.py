"""The embedded store: started like every server, and gone with it."""

from pathlib import Path

import psutil
import valkey

from workerlab import Server
from workerlab.store import valkey_server


def test_it_answers_and_leaves_nothing() -> None:
    server = Server(
        valkey_server() + " --bind 127.0.0.1 --port {port} --save ''", name="store", ready="tcp"
    )
    try:
        [pid] = server.pids
        with valkey.Valkey(port=server.port) as store:
            assert store.incr("n") == 1
    finally:
        server.stop()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert not server.folder.exists()
    assert not Path("dump.rdb").exists()
