"""Is this machine ready for the lessons? One line per check: OK, or what to do."""

import importlib.metadata
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workerlab import ROOT, machine
from workerlab.course import jupyter, pins
from workerlab.ports import free_port, is_free
from workerlab.server import processes

REINSTALL = "delete the folder .venv and start ./learn"
GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """What a check found. With something `to_do` it is not OK; only a serious one fails."""

    text: str
    to_do: str = ""
    serious: bool = True

    @property
    def failed(self) -> bool:
        return bool(self.to_do) and self.serious


def run() -> int:
    """Print a line for every check; 0 if none failed, else 1."""
    findings = []
    for name, check in CHECKS.items():
        try:
            finding = check()
        except Exception as error:  # one check that breaks must not hide the others
            finding = Finding(f"{type(error).__name__}: {error}", "report this as an issue")
        print(line(name, finding), flush=True)
        findings.append(finding)
    return int(any(finding.failed for finding in findings))


def line(name: str, finding: Finding) -> str:
    if not finding.to_do:
        return f"OK    {name}: {finding.text}"
    return f"{'FIX ' if finding.serious else 'NOTE'}  {name}: {finding.text}; {finding.to_do}"


def python() -> Finding:
    return Finding("{}.{}.{} in {}".format(*sys.version_info[:3], sys.prefix))


def packages() -> Finding:
    pinned = pins.pinned((ROOT / "constraints.txt").read_text())
    return compare(pinned, {name: installed_version(name) for name in pinned})


def installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def compare(pinned: dict[str, str], installed: dict[str, str | None]) -> Finding:
    """Installed versions against the pinned ones."""
    wrong = [
        f"{name} {installed[name] or 'missing'} instead of {version}"
        for name, version in pinned.items()
        if installed[name] != version
    ]
    if not wrong:
        return Finding(f"{len(pinned)} at their pinned versions")
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return Finding(", ".join(wrong[:3]) + more, REINSTALL)


def kernel() -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("no kernel python3", REINSTALL)
    # A bare name is replaced by the interpreter that runs Jupyter.
    interpreter = Path(spec.argv[0])
    if interpreter.name == spec.argv[0] or interpreter.parent == Path(sys.executable).parent:
        return Finding(f"python3 in {spec.resource_dir}")
    return Finding(f"python3 is another Python's ({interpreter})", f"delete {spec.resource_dir}")


def ports() -> Finding:
    free = free_port()
    if is_free(jupyter.PORT):
        return Finding(f"{jupyter.PORT} and {free} are free on 127.0.0.1")
    note = "nothing to do: ./learn takes the next free one"
    return Finding(f"{jupyter.PORT} is taken", note, serious=False)


def cores() -> Finding:
    count = machine.cores_by_affinity()
    if count > 1:
        return Finding(f"{count} for this process, of {os.cpu_count()}")
    note = "what needs two cores will say that it is not measurable here"
    return Finding(f"1 for this process, of {os.cpu_count()}", note, serious=False)


def quota() -> Finding:
    limit = machine.cpu_quota()
    if limit is None:
        return Finding("no quota")
    if limit >= 1:
        return Finding(f"{limit:.2g} cores")
    note = "measured times will be long; give the container a core or more"
    return Finding(f"{limit:.2g} cores", note, serious=False)


def memory() -> Finding:
    available = machine.memory_available()
    text = f"{available / GIB:.1f} GiB available"
    if available >= GIB:
        return Finding(text)
    return Finding(text, "close other programs: JupyterLab and the servers want 1", serious=False)


def strays() -> Finding:
    found = processes.stray_servers()
    if not found:
        return Finding("none of earlier runs")
    pids = " ".join(str(process.pid) for process in found)
    return Finding(f"{len(found)} left by earlier runs", f"kill {pids}")


def jupyter_reachable(timeout: float = 30.0) -> Finding:
    """Start JupyterLab on a free port, ask it for its version, stop it; `timeout` in seconds."""
    port = free_port()
    command = [
        *[sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"],
        *[f"--ServerApp.port={port}", "--ServerApp.port_retries=0"],
        *[f"--ServerApp.root_dir={ROOT}", "--ServerApp.allow_root=True"],
    ]
    variables = {**os.environ, "JUPYTER_TOKEN": secrets.token_hex(24)}
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            while time.monotonic() - started < timeout and server.poll() is None:
                version = ask_version(port)
                if version:
                    seconds = time.monotonic() - started
                    return Finding(f"Jupyter Server {version} answers after {seconds:.1f} s")
                time.sleep(0.05)
        finally:
            stop(server)
        log.seek(0)
        last = log.read().decode(errors="replace").strip().splitlines()[-1:]
    return Finding("JupyterLab does not answer: " + "".join(last), REINSTALL)


def ask_version(port: int) -> str | None:
    # A proxy of the environment must not be asked for this machine's own pages.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/api", timeout=1) as reply:
            return json.load(reply)["version"]
    except (OSError, ValueError):
        return None


def stop(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": python,
    "packages": packages,
    "kernel": kernel,
    "ports": ports,
    "cores": cores,
    "CPU quota": quota,
    "memory": memory,
    "stray servers": strays,
    "Jupyter": jupyter_reachable,
}
