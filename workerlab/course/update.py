"""./learn update: get what is new in the repository, and renew the reader's unchanged copies."""

import os
import re
import subprocess
import sys
from pathlib import Path

from workerlab import ROOT
from workerlab.course import workspace
from workerlab.status import status

PATIENCE = 120.0  # seconds for the network
PINS = ("requirements.txt", "constraints.txt", "pyproject.toml")

# What git says, and what to do about it.
CAUSES = (
    (
        "not possible to fast-forward|diverging branches",
        "this clone has its own commits, so git cannot simply fast-forward; "
        "merge or rebase them with git yourself, then start ./learn update again.",
    ),
    (
        "could not resolve|unable to access|unable to connect|could not connect|connection "
        "|timed out|network is unreachable|proxy",
        "the repository cannot be reached; check the network and the proxy, then try again.",
    ),
    (
        "could not read from remote|does not appear to be a git repository|not found"
        "|could not read username|authentication failed|permission denied \\(publickey",
        "git cannot read the repository that this clone came from; check: git remote -v",
    ),
    (
        "unmerged|conflict|have not concluded your merge",
        "a merge is unfinished here; finish it with git first.",
    ),
    (
        "dubious ownership",
        "this folder belongs to somebody else, so git rejects it; clone the repository yourself.",
    ),
    (
        "read-only file system|permission denied|no space left|insufficient permission",
        "git cannot write here; check the permissions of this folder, and the disk.",
    ),
)


def run(root: Path = ROOT) -> int:
    """Pull, bring the reader's copy up to date, and say what was done; the exit status.

    Exits with a sentence where git cannot.
    """
    pins = _pins(root)
    print(pull(root), flush=True)
    _tell(workspace.bring_up_to_date(root), root)
    if _pins(root) != pins:
        print("The packages have changed: the next ./learn installs them, which takes a minute.")
    return 0


def pull(root: Path) -> str:
    """`git pull --ff-only`, and what came of it."""
    # A folder that was unpacked inside another repository is not to pull that one.
    top = _git(root, "rev-parse", "--show-toplevel")
    if top.returncode and "not a git repository" not in top.stderr:
        sys.exit(f"learn: {_cause(top.stderr)}")
    if top.returncode or not root.samefile(top.stdout.rstrip("\n")):
        sys.exit("learn: this folder is not a git clone; to get updates, clone the repository.")
    if _git(root, "symbolic-ref", "--quiet", "HEAD").returncode:
        sys.exit(
            "learn: no branch is checked out here (git calls it a detached HEAD), so there is "
            "nothing to update; go back to a branch first: git switch main"
        )
    if _git(root, "rev-parse", "--abbrev-ref", "@{upstream}").returncode:
        sys.exit(
            "learn: this branch tracks no branch of a remote repository, so there is nothing to "
            "pull from; check: git status, git remote -v"
        )
    before = _git(root, "rev-parse", "HEAD").stdout
    with status("git pull"):
        pulled = _git(root, "pull", "--ff-only", "--no-rebase")
    if pulled.returncode:
        sys.exit(f"learn: {_cause(pulled.stderr)}")
    if _git(root, "rev-parse", "HEAD").stdout == before:
        return "The repository is up to date."
    count = _git(root, "rev-list", "--count", f"{before.strip()}..HEAD").stdout.strip()
    return f"The repository was updated ({count} commit{'' if count == '1' else 's'})."


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # In English, so that causes are recognised; and with no question that nobody sees.
    environment = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
        )
    except FileNotFoundError:
        sys.exit("learn: git is needed for this; install it, then try again.")
    except subprocess.TimeoutExpired:
        sys.exit(f"learn: git did not finish within {PATIENCE:.0f} s; check the network.")


def _cause(said: str) -> str:
    in_the_way = re.findall(r"^\t(.+)$", said, re.MULTILINE)
    if "would be overwritten" in said and in_the_way:
        return (
            f"the update touches files you have changed: {', '.join(in_the_way)}; nothing was "
            "done. Copy what you want to keep elsewhere, undo it here (git checkout FILE, or "
            "delete a file that git does not track), then start ./learn update again."
        )
    for pattern, sentence in CAUSES:
        if re.search(pattern, said, re.IGNORECASE):
            return sentence
    return f"git pull failed: {' '.join(said.split())[-300:] or 'git gives no reason'}"


def _tell(changes: workspace.Changes, root: Path) -> None:
    groups = (
        ("new", changes.new),
        ("renewed", changes.renewed),
        ("as you ran it", changes.kept),
        ("left alone, since you changed it", changes.left_alone),
    )
    for what, paths in groups:
        for path in paths:
            print(f"{what}: {path.relative_to(root)}")
    for path in changes.left_alone:
        name = path.relative_to(root / "mine")
        short = name.name[:2] if name.parent.name == "exercises" else f"lessons/{name.name[:2]}"
        print(f"To get the new {name}: ./learn reset {short} (yours is kept next to it)")
    if not any(paths for _, paths in groups):
        print("Nothing new for mine/.")


def _pins(root: Path) -> list[bytes]:
    return [(root / name).read_bytes() for name in PINS if (root / name).exists()]
