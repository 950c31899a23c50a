"""All that was answered in one turn of the event loop: first on record, then on the wire."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from pierhead.gateway.losses import Losses
from pierhead.gateway.records import Fields, encode_all

log = structlog.get_logger()


class Spool(Protocol):
    """Where inference records wait for their table; `kit/spool.SpoolWriter` is one."""

    def append(self, table: str, records: Sequence[bytes]) -> None:
        """Raises OSError if not all of them were written; it may say in `written` how many were."""


class Reply(Protocol):
    """What takes the answer of one request to its caller."""

    @property
    def peer(self) -> str:
        """The caller's address."""

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """The whole answer at once. `lines` are encoded header lines without length and connection."""


class Turn:
    """Answers leave after the records of the same turn are in the spool: no answered request is ever missing."""

    def __init__(self, spool: Spool, loop: asyncio.AbstractEventLoop) -> None:
        self._losses = Losses("inference records lost", loop)
        self._spool = spool
        self._loop = loop
        self._records: dict[str, list[Fields]] = {}
        self._answers: list[tuple[Reply, int, bytes, bytes]] = []
        self._is_scheduled = False

    @property
    def records_dropped(self) -> int:
        return self._losses.count

    @property
    def dropped_by_table(self) -> Mapping[str, int]:
        return self._losses.by_table

    def keep(self, table: str, record: Fields) -> None:
        """Put a record into the spool at the end of this turn. An answer follows."""
        records = self._records.get(table)
        if records is None:
            self._records[table] = [record]
        else:
            records.append(record)

    def answer(self, reply: Reply, status: int, lines: bytes, body: bytes) -> None:
        """Answer a request behind this turn's records."""
        self._answers.append((reply, status, lines, body))
        if not self._is_scheduled:
            self.flush_soon()

    def flush_soon(self) -> None:
        """Have this turn ended at its end, for records that no answer follows."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._flush_late)

    def flush(self) -> None:
        """End the turn now."""
        if self._records:
            records, self._records = self._records, {}
            for table, batch in records.items():
                self._write(table, batch)
        answers, self._answers = self._answers, []
        for reply, status, lines, body in answers:
            try:
                reply.answer(status, lines, body)
            except Exception as error:
                log.error("answer could not be written", exc_info=error)

    def _flush_late(self) -> None:
        self._is_scheduled = False
        self.flush()

    def _write(self, table: str, batch: list[Fields]) -> None:
        try:
            self._spool.append(table, encode_all(batch))
        except Exception as error:
            # Whatever is wrong with the spool, no caller may go without an answer for it.
            self._losses.add(table, len(batch), error)
