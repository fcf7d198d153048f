"""./learn test --deploy: the files of deploy/, run for real in containers."""

import os
import shutil
import sys
from pathlib import Path

from workerlab.course import test

# `docker` and `kubectl` are clients: without an engine or a cluster they run nothing.
PACKAGES = {
    "podman": "podman",
    "runc": "runc",
    "buildah": "buildah",
    "catatonit": "catatonit",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}
# Where Debian has commands for root, and a user's PATH need not lead.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
# No name begins with test_, so that no other run collects them.
TESTS = [f"tests/deploy/live/{name}.py" for name in ("container", "compose", "pods", "unit")]
CANNOT_RUN = 3


def run(arguments: list[str]) -> int:
    """Run the tests of tests/deploy/live; 3 with a sentence if something is missing for them."""
    sentence = what_is_missing()
    if sentence:
        print(f"learn: {sentence}", file=sys.stderr)
        return CANNOT_RUN
    print("About four minutes; the first test waits for the images, about one.", flush=True)
    return test.call([sys.executable, "-m", "pytest", "-v", *TESTS, *arguments])


def what_is_missing(debian: Path = Path("/etc/debian_version")) -> str:
    """Why nothing can be run here, as a sentence; empty if all is there."""
    if not debian.exists():
        return "--deploy makes its images from Debian's packages, and this system isn't a Debian."
    missing = [name for command, name in PACKAGES.items() if not shutil.which(command, path=PATH)]
    if missing:
        install = f"apt-get install --no-install-recommends {' '.join(missing)}"
        return f"--deploy needs packages that are not installed; as root: {install}"
    if os.geteuid() != 0:
        return "--deploy needs root, for containers with limits; try: sudo ./learn test --deploy"
    return ""
