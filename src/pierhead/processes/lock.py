"""One supervisor per home."""

import fcntl
import os
import time
from pathlib import Path

from pierhead.kit.home import Home
from pierhead.processes.errors import AlreadyRuns

_LOOKERS_PATIENCE_S = 2.0


def lock_home(home: Home) -> int:
    """Take the home for this process; returns the descriptor that holds it. Raises AlreadyRuns."""
    path = _lock_file(home)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if not _take(descriptor):
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
    """The process id of the supervisor that holds the home now. Looking keeps nobody from taking it."""
    try:
        descriptor = os.open(_lock_file(home), os.O_RDWR)
    except OSError:
        return None
    try:
        if _flock(descriptor, fcntl.LOCK_SH):
            return None
        text = os.pread(descriptor, 32, 0).decode().strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    """Lock for ourselves, unless another supervisor has; those who merely look share their lock and soon let go."""
    deadline_s = time.monotonic() + _LOOKERS_PATIENCE_S
    while not _flock(descriptor, fcntl.LOCK_EX):
        if not _flock(descriptor, fcntl.LOCK_SH) or time.monotonic() > deadline_s:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        time.sleep(0.01)
    return True


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_file(home: Home) -> Path:
    return home.run / "up.lock"
