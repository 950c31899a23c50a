"""Tables of the audit trail: its records, its own name, and how far its checkpoints go."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    bindparam,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from pierhead.identity.domain.audit import START, Columns, Fields, Record, record_of
from pierhead.identity.domain.audit_checkpoints import Checkpoint
from pierhead.identity.domain.audit_verification import Mark
from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata
from pierhead.kit.ids import new_id

audit_records = Table(
    "audit_records",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    # The rest of the columns repeats what the content says, for searches.
    Column("at", Moment, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=True),
    Column("is_denied", Boolean, nullable=False),
    Column("request_id", Text, nullable=True),
    Column("content", Text, nullable=False),
    Index(None, "actor", "number"),
    Index(None, "object", "number"),
)
audit_trail = Table(
    "audit_trail",
    metadata,
    # One row, which also is what appending transactions queue for.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("log_id", String(32), nullable=False),
)
audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

# Made once: appending is part of every write.
_LOCK = select(audit_trail.c.id).with_for_update()
_NEWEST = select(audit_records.c.number, audit_records.c.digest).order_by(audit_records.c.number.desc()).limit(1)
_APPEND = insert(audit_records).values({column.name: bindparam(column.name) for column in audit_records.columns})


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; None matches everything. In `action` and `object`, `*` stands for any text."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None
    is_denied: bool | None = None
    before: int | None = None
    """Only records with a smaller number."""


class AuditStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, fields: Fields) -> Record:
        """Add a record as the newest; nobody else can until this transaction ends."""
        if self._connection.dialect.name != "sqlite" and self._connection.execute(_LOCK).first() is None:
            # SQLite lets one writer in at a time anyway.
            self.log_id()
            self._connection.execute(_LOCK)
        newest = self._connection.execute(_NEWEST).first()
        if newest is None:
            self.log_id()
        number, previous = (0, START) if newest is None else (newest.number, bytes.fromhex(newest.digest))
        record = record_of(fields, number + 1, previous)
        columns = record.columns
        row = {
            "number": record.number,
            "digest": record.digest.hex(),
            "at": columns.at,
            "actor": columns.actor,
            "action": columns.action,
            "object": columns.object,
            "is_denied": columns.is_denied,
            "request_id": columns.request_id,
            "content": record.content,
        }
        self._connection.execute(_APPEND, row)
        return record

    def log_id(self) -> str:
        """The trail's own name, given at its first record."""
        found = self.find_log_id()
        if found is not None:
            return found
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(audit_trail).values(id=1, log_id=new_id()))
        except IntegrityError:
            # Somebody else was first.
            pass
        log_id: str = self._connection.scalars(select(audit_trail.c.log_id)).one()
        return log_id

    def find_log_id(self) -> str | None:
        return self._connection.scalars(select(audit_trail.c.log_id)).one_or_none()

    def size(self) -> int:
        """The newest record's number, 0 if there is none."""
        newest = self._connection.execute(_NEWEST).first()
        return 0 if newest is None else int(newest.number)

    def find(self, number: int) -> Record | None:
        row = self._connection.execute(select(audit_records).where(audit_records.c.number == number)).one_or_none()
        return None if row is None else _record(row)

    def list_after(self, number: int, limit: int) -> list[Record]:
        """The next records, in order."""
        query = select(audit_records).where(audit_records.c.number > number)
        rows = self._connection.execute(query.order_by(audit_records.c.number).limit(limit))
        return [_record(row) for row in rows]

    def list_numbers_after(self, number: int, limit: int) -> list[int]:
        """The numbers of the next records, in order."""
        query = select(audit_records.c.number).where(audit_records.c.number > number)
        return list(self._connection.scalars(query.order_by(audit_records.c.number).limit(limit)))

    def search(self, search: Search, limit: int) -> list[Record]:
        """The newest first."""
        query = select(audit_records).where(and_(true(), *_conditions(search)))
        rows = self._connection.execute(query.order_by(audit_records.c.number.desc()).limit(limit))
        return [_record(row) for row in rows]

    def find_mark(self, key_id: str) -> Mark | None:
        """The newest checkpoint that was written with this key."""
        row = self._connection.execute(
            select(audit_checkpoints.c.number, audit_checkpoints.c.digest).where(audit_checkpoints.c.key_id == key_id)
        ).one_or_none()
        return None if row is None else Mark(row.number, row.digest)

    def set_mark(self, key_id: str, checkpoint: Checkpoint) -> None:
        values = {"number": checkpoint.number, "digest": checkpoint.digest}
        changed = update(audit_checkpoints).where(audit_checkpoints.c.key_id == key_id).values(values)
        if self._connection.execute(changed).rowcount == 0:
            self._connection.execute(insert(audit_checkpoints).values(key_id=key_id, **values))


def _conditions(search: Search) -> Iterator[ColumnElement[bool]]:
    columns = audit_records.c
    if search.actor is not None:
        yield columns.actor == search.actor
    for column, pattern in ((columns.action, search.action), (columns.object, search.object)):
        if pattern is not None:
            # Names are full of '_', which LIKE takes for any character.
            escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
            yield column.like(escaped, escape="\\") if "*" in pattern else column == pattern
    if search.since is not None:
        yield columns.at >= search.since
    if search.is_denied is not None:
        yield columns.is_denied == search.is_denied
    if search.before is not None:
        yield columns.number < search.before


def _record(row: Row[Any]) -> Record:
    columns = Columns(row.at, row.actor, row.action, row.object, row.is_denied, row.request_id)
    return Record(row.number, _digest(row.digest), row.content, columns)


def _digest(text: str) -> bytes:
    """A digest that somebody spoilt must show as a wrong one, not as a crash."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        return b""
    return digest if digest.hex() == text else b""
