"""Where `uv` is, which builds the environments of served models."""

import contextlib
import shutil
from pathlib import Path


def find_uv(search_path: str | None = None) -> Path | None:
    """The one that came with Pierhead, else the one on the PATH (`search_path` stands in for both)."""
    if search_path is None:
        with contextlib.suppress(ImportError, FileNotFoundError):
            import uv

            return Path(uv.find_uv_bin())
    found = shutil.which("uv", path=search_path)
    return Path(found) if found else None
