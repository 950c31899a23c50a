"""Records that could not be written: counted all, told of now and then."""

import asyncio
from collections import Counter

import structlog

log = structlog.get_logger()

_LOG_EVERY_S = 60


class Losses:
    """A full disk must not stop anybody from scoring; it must not go unnoticed either."""

    def __init__(self, event: str, loop: asyncio.AbstractEventLoop) -> None:
        self.count = 0
        self.by_table: Counter[str] = Counter()
        self._event = event
        self._loop = loop
        self._logged_s: float | None = None

    def add(self, table: str, count: int, error: Exception) -> None:
        """So many records of one write were lost, less those that the error says were `written`."""
        lost = count - int(getattr(error, "written", 0))
        self.count += lost
        self.by_table[table] += lost
        now_s = self._loop.time()
        if self._logged_s is None or now_s - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = now_s
            log.error(self._event, table=table, lost_so_far=self.count, error=str(error))
