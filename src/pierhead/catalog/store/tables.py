"""Registered Delta tables as rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from pierhead.catalog.domain.tables import Registration, Table, TableType
from pierhead.catalog.store.places import encoded
from pierhead.catalog.store.rows import delta_tables as tables
from pierhead.kit.errors import AlreadyExists
from pierhead.kit.names import FullName


class TableStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: FullName) -> Table | None:
        row = self._connection.execute(select(tables).where(_is(name))).one_or_none()
        return None if row is None else _table(row)

    def list(self, catalog: str, schema: str | None = None) -> list[Table]:
        """Those of a catalog, or of one of its schemas, sorted by name."""
        in_schema = true() if schema is None else tables.c.schema_name == schema
        query = select(tables).where(tables.c.catalog_name == catalog, in_schema)
        order = (tables.c.schema_name, tables.c.name)
        return [_table(row) for row in self._connection.execute(query.order_by(*order))]

    def locations(self) -> Mapping[str, Path]:
        """Where every registered table lies, by what it is in messages."""
        return {f"table '{_name(row)}'": Path(row.location) for row in self._connection.execute(select(tables))}

    def add(self, table: Table, registration: Registration) -> None:
        """Raises AlreadyExists. The schema must be there."""
        name = table.full_name
        row = insert(tables).values(
            id=registration.id,
            catalog_name=name.catalog,
            schema_name=name.schema,
            name=name.name,
            type=table.type.value,
            location=str(table.location),
            owner=registration.owner,
            properties=encoded(registration.properties),
            created_at=registration.created_at,
            created_by=registration.created_by,
            updated_at=registration.updated_at,
            updated_by=registration.updated_by,
        )
        try:
            with self._connection.begin_nested():
                self._connection.execute(row)
        except IntegrityError:
            raise AlreadyExists(f"table '{name}' exists already") from None

    def update(self, registration: Registration) -> None:
        self._connection.execute(
            update(tables)
            .where(tables.c.id == registration.id)
            .values(
                owner=registration.owner,
                updated_at=registration.updated_at,
                updated_by=registration.updated_by,
            )
        )

    def delete(self, name: FullName) -> None:
        self._connection.execute(delete(tables).where(_is(name)))


def _is(name: FullName) -> ColumnElement[bool]:
    return and_(tables.c.catalog_name == name.catalog, tables.c.schema_name == name.schema, tables.c.name == name.name)


def _name(row: Row[Any]) -> FullName:
    return FullName(row.catalog_name, row.schema_name, row.name)


def _table(row: Row[Any]) -> Table:
    registration = Registration(
        id=row.id,
        owner=row.owner,
        properties=orjson.loads(row.properties),
        created_at=row.created_at,
        created_by=row.created_by,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )
    return Table(_name(row), TableType(row.type), Path(row.location), registration)
