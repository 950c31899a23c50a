"""The log files of child processes."""

import os
from pathlib import Path

from pierhead.kit.home import Home
from pierhead.processes.log_rotation import rotate


def log_file(home: Home, name: str) -> Path:
    return home.logs / f"{name}.log"


def open_log(home: Home, name: str) -> int:
    """A descriptor that appends to the child's log; a large log is rotated first, should nobody else do it."""
    path = log_file(home, name)
    rotate(path)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log, without blank ones."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]
