"""Folders that nobody names any more: `.dropped/NAME.TIME.RANDOM` beside those that are in use."""

from datetime import datetime
from pathlib import Path

from pierhead.kit.ids import new_id

# No name of a catalog begins with a dot.
_FOLDER = ".dropped"


def set_aside(root: Path, location: Path, name: str, now: datetime) -> Path | None:
    """Move a folder below `root` out of the way without losing it; None if it is gone already. Raises OSError."""
    target = root / _FOLDER / f"{name}.{now:%Y%m%dT%H%M%SZ}.{new_id()[:8]}"
    target.parent.mkdir(exist_ok=True)
    try:
        location.rename(target)
    except FileNotFoundError:
        return None
    return target
