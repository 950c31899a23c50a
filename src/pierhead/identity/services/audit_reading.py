"""The trail as its readers get it: searched, exported, verified."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from pierhead.identity.domain.audit import Columns, Record, parsed
from pierhead.identity.domain.audit_checkpoints import parse_lines
from pierhead.identity.domain.audit_verification import Evidence, Report, verify
from pierhead.identity.services.audit_checkpoints import read_lines
from pierhead.identity.services.audit_keys import load_verifier
from pierhead.identity.store.audit import AuditStore, Search
from pierhead.kit.db import Database

_RECORDS_AT_ONCE = 500
_SPOILT = (DBAPIError, ValueError, TypeError)
_NO_COLUMNS = Columns(datetime.min.replace(tzinfo=UTC), "", "", None, False, None)


class AuditReader:
    """Reads in transactions of its own, so that a long reading holds nobody back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, search: Search, limit: int) -> list[Record]:
        """The newest first."""
        with self._database.reading() as connection:
            return AuditStore(connection).search(search, limit)

    def all_after(self, number: int) -> Iterator[Record]:
        """Every record with a larger number, in order."""
        while True:
            records = self._next(number)
            yield from records
            if len(records) < _RECORDS_AT_ONCE:
                return
            number = records[-1].number

    def _next(self, number: int) -> list[Record]:
        with self._database.reading() as connection:
            store = AuditStore(connection)
            try:
                return store.list_after(number, _RECORDS_AT_ONCE)
            except _SPOILT:
                numbers = store.list_numbers_after(number, _RECORDS_AT_ONCE)
        return [self._one(each) for each in numbers]

    def _one(self, number: int) -> Record:
        """A record that somebody spoilt so that it cannot even be read is one whose content cannot be read."""
        with self._database.reading() as connection:
            try:
                return AuditStore(connection).list_after(number - 1, 1)[0]
            except _SPOILT:
                return Record(number, b"", "", _NO_COLUMNS)

    def verify(self, checkpoints: Path, public_key: Path, *, is_own_file: bool) -> Report:
        """Hold the trail against itself and the file; a file that is not the home's own may be older than the trail.

        Raises NotFound or InvalidArgument if there is a file and the key cannot be used.
        """
        if not checkpoints.exists():
            return verify(self.all_after(0), None)
        verifier = load_verifier(public_key)
        # In this order: a checkpoint that is written meanwhile must not vouch for records that are not looked at.
        signed = parse_lines(read_lines(checkpoints))
        with self._database.reading() as connection:
            store = AuditStore(connection)
            log_id = store.find_log_id()
            mark = store.find_mark(verifier.key_id) if is_own_file else None
        if mark is not None and signed and mark.number > signed[-1].checkpoint.number:
            # Written between the two readings, or lost: the file tells.
            signed = parse_lines(read_lines(checkpoints))
        return verify(self.all_after(0), Evidence(log_id, signed, verifier.is_signed, mark))


def exported(record: Record) -> dict[str, Any]:
    """A record with its digest; `content` is what the digest is over, byte by byte.

    One whose content cannot be read has no fields of its own.
    """
    try:
        fields = parsed(record.content)
    except ValueError:
        fields = {"sequence_number": record.number}
    return {**fields, "hash": record.digest.hex(), "content": record.content}
