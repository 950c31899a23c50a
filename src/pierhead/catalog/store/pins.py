"""Pins as rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Row, String, Table, Text, delete, insert, select
from sqlalchemy.exc import IntegrityError

from pierhead.catalog.domain.pins import Pin
from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

# By place and not by name: a table that is registered under another name is the same table.
table_pins = Table(
    "table_pins",
    metadata,
    Column("holder", String(255), primary_key=True),
    # SHA-256 of the location, which may be longer than a key.
    Column("location_sha256", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("location", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("manifest_sha256", String(64), nullable=True),
    Column("pinned_at", Moment, nullable=False),
    Index(None, "location_sha256", "version"),
)


class PinStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, pin: Pin, location_sha256: str) -> None:
        """Harmless if the holder pins this version already."""
        row = insert(table_pins).values(
            holder=pin.holder,
            location_sha256=location_sha256,
            version=pin.version,
            location=str(pin.location),
            reason=pin.reason,
            manifest_sha256=pin.manifest_sha256,
            pinned_at=pin.pinned_at,
        )
        try:
            with self._connection.begin_nested():
                self._connection.execute(row)
        except IntegrityError:
            return

    def versions_of(self, location_sha256: str) -> frozenset[int]:
        query = select(table_pins.c.version).where(table_pins.c.location_sha256 == location_sha256)
        return frozenset(self._connection.scalars(query))

    def of(self, location_sha256: str) -> Sequence[Pin]:
        """Those of one place, sorted by version and holder."""
        query = select(table_pins).where(table_pins.c.location_sha256 == location_sha256)
        return [
            _pin(row) for row in self._connection.execute(query.order_by(table_pins.c.version, table_pins.c.holder))
        ]

    def list(self) -> list[Pin]:
        """All pins, sorted by place, version and holder."""
        query = select(table_pins).order_by(table_pins.c.location, table_pins.c.version, table_pins.c.holder)
        return [_pin(row) for row in self._connection.execute(query)]

    def delete(self, holder: str) -> None:
        self._connection.execute(delete(table_pins).where(table_pins.c.holder == holder))


def _pin(row: Row[Any]) -> Pin:
    return Pin(Path(row.location), row.version, row.holder, row.reason, row.manifest_sha256, row.pinned_at)
