"""Catalogs and schemas as rows."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.places import Catalog, Schema, Traces
from pierhead.catalog.store.rows import catalogs, schemas
from pierhead.kit.errors import AlreadyExists


class PlaceStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_catalog(self, name: str) -> Catalog | None:
        row = self._connection.execute(select(catalogs).where(catalogs.c.name == name)).one_or_none()
        return None if row is None else _catalog(row)

    def find_schema(self, name: SchemaName) -> Schema | None:
        row = self._connection.execute(select(schemas).where(_is(name))).one_or_none()
        return None if row is None else _schema(row)

    def list_catalogs(self) -> list[Catalog]:
        return [_catalog(row) for row in self._connection.execute(select(catalogs).order_by(catalogs.c.name))]

    def list_schemas(self, catalog: str) -> list[Schema]:
        query = select(schemas).where(schemas.c.catalog_name == catalog).order_by(schemas.c.name)
        return [_schema(row) for row in self._connection.execute(query)]

    def add_catalog(self, catalog: Catalog) -> None:
        """Raises AlreadyExists."""
        values = {"name": catalog.name, **_described(catalog)}
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(catalogs).values(values))
        except IntegrityError:
            raise AlreadyExists(f"catalog {catalog.name!r} exists already") from None

    def add_schema(self, schema: Schema) -> None:
        """Raises AlreadyExists. Its catalog must be there."""
        name = schema.full_name
        values = {"catalog_name": name.catalog, "name": name.name, **_described(schema)}
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(schemas).values(values))
        except IntegrityError:
            raise AlreadyExists(f"schema '{name}' exists already") from None

    def update_catalog(self, name: str, catalog: Catalog) -> None:
        """Make the catalog `name` what `catalog` says, its name included; what lies inside follows."""
        values = {"name": catalog.name, **_described(catalog)}
        self._connection.execute(update(catalogs).where(catalogs.c.name == name).values(values))

    def update_schema(self, name: SchemaName, schema: Schema) -> None:
        """As `update_catalog`; a schema stays in its catalog."""
        values = {"name": schema.full_name.name, **_described(schema)}
        self._connection.execute(update(schemas).where(_is(name)).values(values))

    def delete_catalog(self, name: str) -> None:
        """It must be empty."""
        self._connection.execute(delete(catalogs).where(catalogs.c.name == name))

    def delete_schema(self, name: SchemaName) -> None:
        """It must be empty."""
        self._connection.execute(delete(schemas).where(_is(name)))


def traces_of(row: Row[Any]) -> Traces:
    return Traces(row.created_at, row.created_by, row.updated_at, row.updated_by)


def trace_values(traces: Traces) -> dict[str, object]:
    return {
        "created_at": traces.created_at,
        "created_by": traces.created_by,
        "updated_at": traces.updated_at,
        "updated_by": traces.updated_by,
    }


def encoded(properties: Mapping[str, str]) -> str:
    return orjson.dumps(dict(properties)).decode()


def _is(name: SchemaName) -> ColumnElement[bool]:
    return and_(schemas.c.catalog_name == name.catalog, schemas.c.name == name.name)


def _described(place: Catalog | Schema) -> dict[str, object]:
    return {
        "comment": place.comment,
        "properties": encoded(place.properties),
        **trace_values(place.traces),
    }


def _catalog(row: Row[Any]) -> Catalog:
    return Catalog(row.name, row.comment, orjson.loads(row.properties), traces_of(row))


def _schema(row: Row[Any]) -> Schema:
    name = SchemaName(row.catalog_name, row.name)
    return Schema(name, row.comment, orjson.loads(row.properties), traces_of(row))
