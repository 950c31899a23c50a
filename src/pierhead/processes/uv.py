"""Whether `uv` is there and runs."""

import subprocess
from pathlib import Path

from pierhead.kit.uv import find_uv
from pierhead.processes.errors import CannotStart


def require_uv(search_path: str | None = None) -> Path:
    """Raises CannotStart."""
    uv = find_uv(search_path)
    if uv is None:
        raise CannotStart(
            "`uv` was found neither beside Python nor on the PATH, and models cannot be served without it; "
            "install it with `pip install uv`"
        )
    return uv


def uv_version(uv: Path) -> str | None:
    """The version that this program gives; None if it does not run."""
    try:
        done = subprocess.run([uv, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().removeprefix("uv ")
