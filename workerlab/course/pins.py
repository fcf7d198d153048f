"""The pinned versions: reading constraints.txt, and renewing it from requirements.txt."""

import shutil
import subprocess
import sys

from packaging.requirements import Requirement

from workerlab import ROOT


def pinned(text: str, *, everywhere: bool = False) -> dict[str, str]:
    """Package name to version in a constraints file: those for this platform, or all."""
    versions = {}
    for line in text.splitlines():
        entry = line.partition("#")[0].strip()
        if entry and not entry.startswith("-"):
            requirement = Requirement(entry)
            if everywhere or requirement.marker is None or requirement.marker.evaluate():
                versions[requirement.name] = str(requirement.specifier).removeprefix("==")
    return versions


def renew() -> int:
    """Resolve requirements.txt anew for all platforms, and print what changed; the exit status."""
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("learn: pin needs uv: https://docs.astral.sh/uv/getting-started/installation/")
    constraints = ROOT / "constraints.txt"
    before = pinned(constraints.read_text(), everywhere=True)
    # Relative names, in the root: they are written into the file.
    compile_command = [
        *[uv, "pip", "compile", "requirements.txt", "--output-file", "constraints.txt"],
        *["--universal", "--python-version", "3.11", "--upgrade"],
        *["--no-emit-package", "workerlab", "--no-header", "--quiet"],
    ]
    status = subprocess.call(compile_command, cwd=ROOT)
    if status == 0:
        after = pinned(constraints.read_text(), everywhere=True)
        print("\n".join(differences(before, after)) or "constraints.txt is up to date")
    return status


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [
        f"{name}: {before.get(name, 'new')} -> {after.get(name, 'gone')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
