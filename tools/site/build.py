"""Build the lessons as a site that can be read without installing anything.

`python tools/site/build.py` leaves it in .site/html/: open index.html there in a browser. Nothing
is run: the pages show the outputs that the notebooks store. A warning, such as a link that leads
nowhere, is an error. The first time, Sphinx is installed into .site/venv.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tools import environment  # noqa: E402

HERE = Path(__file__).resolve().parent
FOLDER = ROOT / ".site"
VENV = FOLDER / "venv"


def why_not_installed() -> str:
    """Have Sphinx in .site/venv; why it isn't, as a sentence, or nothing."""
    return environment.make(VENV, HERE / "requirements.txt")


def build(folder: Path) -> int:
    """Write the site to `folder`/html; the exit status of Sphinx, 0 if it had nothing to say."""
    # A page that is still up to date is not read again, and its warnings would be lost.
    for made in ("html", "doctrees", "jupyter_execute"):
        shutil.rmtree(folder / made, ignore_errors=True)
    sphinx = str(VENV / "bin/sphinx-build")
    options = ["-c", str(HERE), "-q", "--fail-on-warning", "--keep-going"]
    return subprocess.run([sphinx, "-M", "html", str(ROOT), str(folder), *options]).returncode


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, default=FOLDER, help="a folder instead of .site/")
    folder = parser.parse_args().into.resolve()
    sentence = why_not_installed()
    if sentence:
        print(f"build.py: {sentence}", file=sys.stderr)
        return 1
    status = build(folder)
    if not status:
        print(folder / "html/index.html")
    return status


if __name__ == "__main__":
    sys.exit(main())
