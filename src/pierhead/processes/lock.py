"""One supervisor per home."""

import fcntl
import os
from pathlib import Path

from pierhead.kit.home import Home
from pierhead.processes.errors import AlreadyRuns


def lock_home(home: Home) -> int:
    """Take the home for this process; returns the descriptor that holds it. Raises AlreadyRuns."""
    path = _lock_file(home)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        holder = path.read_text().strip() or "unknown"
        raise AlreadyRuns(
            f"Pierhead already runs on {home.root} (process {holder}); stop it with `kill {holder}`, "
            "or choose another folder with --home"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def find_holder(home: Home) -> int | None:
    """The process id of the supervisor that holds the home now."""
    try:
        descriptor = os.open(_lock_file(home), os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).decode().strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)
    return None


def _lock_file(home: Home) -> Path:
    return home.run / "up.lock"
