"""Where uv and the interpreters are on this machine."""

import json
import subprocess
import sys
from pathlib import Path

from pierhead.kit.uv import find_uv
from pierhead.serving.ports import EnvironmentFailed

OWN_MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The server's own Python, as in "3.11"."""


def require_uv() -> Path:
    """The uv to build with. Raises EnvironmentFailed."""
    uv = find_uv()
    if uv is None:
        raise EnvironmentFailed("uv is not installed; install it beside the server with `pip install uv`")
    return uv


def installed_pythons(uv: Path, environment: dict[str, str]) -> list[str]:
    """Versions of the interpreters that uv finds, newest first."""
    command = [str(uv), "python", "list", "--only-installed", "--no-python-downloads", "--output-format", "json"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
        versions = {tuple(each["version_parts"].values()): each["version"] for each in json.loads(listed.stdout)}
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return [versions[parts] for parts in sorted(versions, reverse=True)]


def own_base_python() -> str:
    """The interpreter beneath our own virtual environment."""
    beneath = Path(sys.base_prefix) / "bin" / f"python{OWN_MINOR}"
    return str(beneath) if beneath.exists() else str(Path(sys.executable).resolve())
