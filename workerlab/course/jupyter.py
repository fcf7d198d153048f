"""JupyterLab for the reader: on this machine only, quiet, and open on a notebook."""

import contextlib
import json
import os
import secrets
import shlex
import shutil
import signal
import sys
from pathlib import Path
from urllib.parse import quote

import workerlab.course.without_iri  # noqa: F401 - before JupyterLab, for a quicker start
from workerlab import ROOT
from workerlab.course import workspace
from workerlab.ports import obstacle
from workerlab.status import status

PORT = 8888
# What would have JupyterLab take its kernel, its page or its configuration from elsewhere.
UNWANTED = (
    "JUPYTERLAB_DIR",
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_GATEWAY_URL",
    "JUPYTER_NO_CONFIG",
    "JUPYTER_PATH",
)


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
    if port is not None and (refusal := why_refused(port)):
        sys.exit(f"learn: {refusal}")
    workspace.tell_what_hides_modules()

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
        "--LabApp.custom_css=True",
        # Its warnings are for those who run it for others: that a notebook is new, for instance.
        "--ServerApp.log_level=ERROR",
        "--LabApp.log_level=ERROR",
        f"--ServerApp.terminado_settings=shell_command={shlex.join(shell())}",
    ]
    with status("starting JupyterLab"):
        rest_on_this_environment()
        ask_no_questions()
        tell_tabs_apart()
        # Imported here: it takes half a second, which the sentences above need not wait for.
        import zmq
        from jupyterlab.labapp import LabApp

        if zmq.has("curve"):
            # Without it each kernel warns that what it sends is not encrypted.
            arguments.append("--KernelManager.transport_encryption=auto")
        server = LabApp.initialize_server(arguments)
    address = f"{server.connection_url}{page}?token={token}"
    # The event loop first binds the port and then gets to this.
    server.io_loop.add_callback(announce, address, place if browser else None)
    with contextlib.ExitStack() as ending:

        def stop() -> None:
            ending.enter_context(status("stopping JupyterLab and its kernels"))
            server.stop()

        signal.signal(signal.SIGINT, lambda *_: server.io_loop.add_callback_from_signal(stop))
        server.start()


def announce(address: str, notebook: str | None) -> None:
    """Say that JupyterLab runs, and on which notebook; None: only its address goes to stdout."""
    to_stop = "To stop it: Ctrl-C in this terminal."
    if notebook is None:
        print(address, flush=True)
        print(f"JupyterLab runs at this address. {to_stop}", file=sys.stderr, flush=True)
    else:
        print(f"JupyterLab: {address}")
        print(f"Your next notebook: {notebook or 'none yet'}")
        print(to_stop, flush=True)


def why_refused(port: int) -> str:
    """Why no server of the reader's can listen on this port, as a sentence; empty if it can."""
    match obstacle(port):
        case None:
            return ""
        case PermissionError():
            return (
                f"port {port} cannot be used, since ports below 1024 need special privileges; "
                "choose a higher one, or omit --port."
            )
        case _:
            return f"port {port} is taken; choose another, or omit --port."


def shell() -> list[str]:
    """What runs in JupyterLab's terminals, so that they find the programs of this environment.

    Never a login shell, which Jupyter takes where its own output goes to a file: it sets PATH anew.
    """
    usual = os.environ.get("SHELL") or shutil.which("sh") or "/bin/sh"
    if Path(usual).name == "bash":
        return [usual, "--rcfile", str(Path(__file__).with_name("terminal.bashrc"))]
    return [usual]


def rest_on_this_environment(fallback: Path = ROOT / "mine/.jupyter") -> None:
    """Set the variables that have Jupyter use this environment's kernel and configuration.

    What the reader has configured for another Jupyter may not fit this one. Folders that Jupyter
    writes stay the reader's, settings of the page among them; those that cannot be written are
    replaced by one below `fallback`.
    """
    from jupyter_core import paths

    for name in UNWANTED:
        os.environ.pop(name, None)
    lab = Path(paths.jupyter_config_dir(), "lab")
    written = {
        "IPYTHONDIR": "~/.ipython",
        "JUPYTERLAB_SETTINGS_DIR": lab / "user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": lab / "workspaces",
        "JUPYTER_DATA_DIR": paths.jupyter_data_dir(),
        "JUPYTER_RUNTIME_DIR": paths.jupyter_runtime_dir(),
    }
    for name, usual in written.items():
        folder = os.path.expanduser(os.environ.get(name) or usual)
        os.environ[name] = folder if can_be_written(folder) else str(fallback / name.lower())
    os.environ["JUPYTER_CONFIG_DIR"] = paths.ENV_CONFIG_PATH[0]
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"


def can_be_written(folder: str) -> bool:
    """Whether files can be made in a folder, which need not be there yet."""
    while not os.path.lexists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


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


def tell_tabs_apart(prefix: Path = Path(sys.prefix)) -> None:
    """Have the tabs of exercises and solutions say so, as they have the names of their lessons.

    Source: `custom_css` in https://github.com/jupyterlab/jupyterlab/blob/main/jupyterlab/labapp.py
    """
    style = Path(__file__).with_name("tabs.css")
    place = prefix / "etc/jupyter/custom/custom.css"
    # The tabs can be used without.
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(style, place)
