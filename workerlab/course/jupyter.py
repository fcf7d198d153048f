"""JupyterLab for the reader: on this machine only, quiet, and open on a notebook."""

import contextlib
import json
import secrets
import signal
import sys
from pathlib import Path
from urllib.parse import quote

from workerlab import ROOT
from workerlab.ports import is_free

PORT = 8888


def serve(
    notebook: Path | None,
    *,
    port: int | None = None,
    browser: bool = True,
    allow_root: bool = False,
) -> None:
    """Serve JupyterLab from this very process, so that Ctrl-C reaches it, until it is stopped.

    `port` is 8888 or, where that is taken, the next free one. One that is asked for must be free.
    """
    if port is not None and not is_free(port):
        sys.exit(f"learn: port {port} is taken; choose another, or omit --port.")
    ask_no_questions()

    # Imported here: it takes half a second, which the sentences above need not wait for.
    from jupyterlab.labapp import LabApp

    place = quote(notebook.relative_to(ROOT).as_posix()) if notebook else ""
    page = f"lab/tree/{place}" if place else "lab"
    # Our own token, since Jupyter announces in six lines one that it has made itself.
    token = secrets.token_hex(24)
    arguments = [
        f"--ServerApp.root_dir={ROOT}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port or PORT}",
        f"--ServerApp.port_retries={0 if port else 50}",
        f"--ServerApp.open_browser={browser}",
        f"--ServerApp.allow_root={allow_root}",
        f"--IdentityProvider.token={token}",
        f"--LabApp.default_url=/{page}",
        "--ServerApp.log_level=WARN",
        "--LabApp.log_level=WARN",
    ]
    server = LabApp.initialize_server(arguments)
    signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
    address = f"{server.connection_url}{page}?token={token}"
    lines = [address]
    if browser:
        lines = [
            f"JupyterLab: {address}",
            f"Your next notebook: {place or 'none yet'}",
            "To stop it: Ctrl-C in this terminal.",
        ]
    # The event loop first binds the port and then gets to this.
    server.io_loop.add_callback(print, "\n".join(lines), flush=True)
    server.start()


def ask_no_questions(prefix: Path = Path(sys.prefix)) -> None:
    """Make "no" the default answer to JupyterLab's question about news; the reader may change it.

    Source: https://jupyterlab.readthedocs.io/en/stable/user/directories.html#overrides-json
    """
    overrides = prefix / "share/jupyter/lab/settings/overrides.json"
    if overrides.exists():
        return
    defaults = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
    # The question is no reason not to start.
    with contextlib.suppress(OSError):
        overrides.parent.mkdir(parents=True, exist_ok=True)
        overrides.write_text(json.dumps(defaults, indent=1) + "\n")
