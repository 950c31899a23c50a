"""Follows the routing snapshot on disk."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from pierhead.serving.domain.snapshot import Snapshot, decode

log = structlog.get_logger()

_Signature = tuple[int, int, int]


class SnapshotFollower:
    """Calls `follow` with every new snapshot. A missing or bad file changes nothing: the last good one holds."""

    def __init__(
        self,
        path: Path,
        follow: Callable[[Snapshot], None],
        loop: asyncio.AbstractEventLoop,
        interval_s: float = 0.05,
    ) -> None:
        self._path = path
        self._follow = follow
        self._loop = loop
        self._interval_s = interval_s
        self._is_failing = False
        self._seen: _Signature | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Read the snapshot now, if there is one, and look again and again."""
        self._look()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._interval_s, self._look)
        try:
            status = self._path.stat()
            signature = (status.st_mtime_ns, status.st_size, status.st_ino)
            if signature == self._seen:
                return
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            if not self._is_failing:
                log.error("routing snapshot cannot be read", path=str(self._path), error=str(error))
            self._is_failing = True
            return
        self._is_failing = False
        self._seen = signature
        try:
            snapshot = decode(raw)
        except msgspec.DecodeError as error:
            log.error("routing snapshot is bad; the last good one holds", path=str(self._path), error=str(error))
            return
        self._follow(snapshot)
