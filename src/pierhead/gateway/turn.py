"""All that was answered in one turn of the event loop: first on record, then on the wire."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from pierhead.gateway.http.exchange import Exchange

log = structlog.get_logger()

_LOG_EVERY_S = 60


class Spool(Protocol):
    """Where inference records wait for their table; `kit/spool.SpoolWriter` is one."""

    def append(self, table: str, records: Sequence[bytes]) -> None:
        """Raises OSError if not all of them were written; it may say in `written` how many were."""


class Turn:
    """Answers leave after the records of the same turn are in the spool: no answered request is ever missing."""

    def __init__(self, spool: Spool, loop: asyncio.AbstractEventLoop) -> None:
        self.records_dropped = 0
        self._spool = spool
        self._loop = loop
        self._records: dict[str, list[bytes]] = {}
        self._answers: list[tuple[Exchange, int, bytes, bytes]] = []
        self._is_scheduled = False
        self._logged_s: float | None = None

    def keep(self, table: str, record: bytes) -> None:
        """Put a record into the spool at the end of this turn."""
        self._records.setdefault(table, []).append(record)
        self._schedule()

    def answer(self, exchange: Exchange, status: int, lines: bytes, body: bytes) -> None:
        """Answer an exchange behind this turn's records."""
        self._answers.append((exchange, status, lines, body))
        self._schedule()

    def flush(self) -> None:
        self._is_scheduled = False
        records, self._records = self._records, {}
        answers, self._answers = self._answers, []
        for table, batch in records.items():
            try:
                self._spool.append(table, batch)
            except Exception as error:
                # Whatever is wrong with the spool, no caller may go without an answer for it.
                self._drop(table, len(batch) - int(getattr(error, "written", 0)), error)
        for exchange, status, lines, body in answers:
            try:
                exchange.answer(status, lines, body)
            except Exception as error:
                log.error("answer could not be written", exc_info=error)

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self.flush)

    def _drop(self, table: str, count: int, error: Exception) -> None:
        """A full disk must not stop anybody from scoring; it must not go unnoticed either."""
        self.records_dropped += count
        now = self._loop.time()
        if self._logged_s is None or now - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = now
            log.error("inference records lost", table=table, lost_so_far=self.records_dropped, error=str(error))
