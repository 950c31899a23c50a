"""Volumes as rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from pierhead.catalog.domain.volumes import Volume, VolumeType
from pierhead.catalog.store.places import trace_values, traces_of
from pierhead.catalog.store.rows import volumes
from pierhead.kit.errors import AlreadyExists
from pierhead.kit.names import FullName


class VolumeStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: FullName) -> Volume | None:
        row = self._connection.execute(select(volumes).where(_is(name))).one_or_none()
        return None if row is None else _volume(row)

    def list(self, catalog: str, schema: str | None = None) -> list[Volume]:
        """Those of a catalog, or of one of its schemas, sorted by name."""
        in_schema = true() if schema is None else volumes.c.schema_name == schema
        query = select(volumes).where(volumes.c.catalog_name == catalog, in_schema)
        order = (volumes.c.schema_name, volumes.c.name)
        return [_volume(row) for row in self._connection.execute(query.order_by(*order))]

    def locations(self) -> Mapping[str, Path]:
        """Where every volume lies, by what it is in messages."""
        return {f"volume '{_name(row)}'": Path(row.location) for row in self._connection.execute(select(volumes))}

    def add(self, volume: Volume) -> None:
        """Raises AlreadyExists. The schema must be there."""
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(volumes).values(id=volume.id, **_values(volume)))
        except IntegrityError:
            raise AlreadyExists(f"volume '{volume.full_name}' exists already") from None

    def update(self, volume: Volume) -> None:
        """Raises AlreadyExists if the new name is taken."""
        try:
            with self._connection.begin_nested():
                self._connection.execute(update(volumes).where(volumes.c.id == volume.id).values(**_values(volume)))
        except IntegrityError:
            raise AlreadyExists(f"volume '{volume.full_name}' exists already") from None

    def delete(self, volume: Volume) -> None:
        self._connection.execute(delete(volumes).where(volumes.c.id == volume.id))


def _is(name: FullName) -> ColumnElement[bool]:
    return and_(
        volumes.c.catalog_name == name.catalog, volumes.c.schema_name == name.schema, volumes.c.name == name.name
    )


def _name(row: Row[Any]) -> FullName:
    return FullName(row.catalog_name, row.schema_name, row.name)


def _values(volume: Volume) -> dict[str, object]:
    name = volume.full_name
    return {
        "catalog_name": name.catalog,
        "schema_name": name.schema,
        "name": name.name,
        "type": volume.type.value,
        "location": str(volume.location),
        "owner": volume.owner,
        "comment": volume.comment,
        **trace_values(volume.traces),
    }


def _volume(row: Row[Any]) -> Volume:
    return Volume(
        id=row.id,
        full_name=_name(row),
        type=VolumeType(row.type),
        location=Path(row.location),
        owner=row.owner,
        comment=row.comment,
        traces=traces_of(row),
    )
