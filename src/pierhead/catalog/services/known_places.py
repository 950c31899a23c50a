"""Catalogs and schemas as readers see them: rows, and what others use without a row."""

from sqlalchemy import Connection

from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.places import Catalog, Contents, Inhabited, Schema, Traces
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.table_folders import TableFolders
from pierhead.catalog.store.places import PlaceStore
from pierhead.catalog.store.tables import TableStore
from pierhead.catalog.store.volumes import VolumeStore
from pierhead.kit.errors import NotFound


class KnownPlaces:
    """Reads only."""

    def __init__(self, connection: Connection, grounds: Grounds) -> None:
        self._connection = connection
        self._store = PlaceStore(connection)
        self._tables = TableStore(connection)
        self._volumes = VolumeStore(connection)
        self._folders = TableFolders(grounds.home.tables)
        self._grounds = grounds

    def catalogs(self) -> list[Catalog]:
        """Sorted by name."""
        found = {catalog.name: catalog for catalog in self._store.list_catalogs()}
        for place in sorted(self._used(), key=lambda place: place.first_at):
            name = place.schema.catalog
            found.setdefault(name, Catalog(name, "", {}, _traces(place)))
        return sorted(found.values(), key=lambda catalog: catalog.name)

    def schemas(self, catalog: str) -> list[Schema]:
        """Those of a catalog, sorted by name; none if there is no such catalog."""
        found = {schema.full_name: schema for schema in self._store.list_schemas(catalog)}
        for place in self._used(catalog):
            found.setdefault(place.schema, Schema(place.schema, "", {}, _traces(place)))
        return sorted(found.values(), key=lambda schema: schema.full_name)

    def catalog(self, name: str) -> Catalog:
        """Raises NotFound."""
        found = self._store.find_catalog(name)
        found = found or next((catalog for catalog in self.catalogs() if catalog.name == name), None)
        if found is None:
            raise NotFound(f"catalog {name!r} does not exist")
        return found

    def schema(self, name: SchemaName) -> Schema:
        """Raises NotFound."""
        found = self._store.find_schema(name)
        found = found or next((schema for schema in self.schemas(name.catalog) if schema.full_name == name), None)
        if found is None:
            raise NotFound(f"schema '{name}' does not exist")
        return found

    def in_catalog(self, name: str) -> Contents:
        """What a catalog holds, in all of its schemas."""
        return Contents(
            models=sum(place.models for place in self._grounds.inhabitants.list(self._connection, name)),
            schemas=tuple(str(schema.full_name) for schema in self.schemas(name)),
            tables=self._table_names(name, None),
            volumes=tuple(str(volume.full_name) for volume in self._volumes.list(name)),
        )

    def in_schema(self, name: SchemaName) -> Contents:
        """What a schema holds."""
        inhabited = self._grounds.inhabitants.list(self._connection, name.catalog)
        return Contents(
            models=sum(place.models for place in inhabited if place.schema == name),
            tables=self._table_names(name.catalog, name.name),
            volumes=tuple(str(volume.full_name) for volume in self._volumes.list(name.catalog, name.name)),
        )

    def folders_in(self, catalog: str, schema: str | None = None) -> tuple[str, ...]:
        """Tables whose files lie under the names of this catalog or schema."""
        return tuple(str(name) for name in self._folders.list(catalog, schema))

    def _table_names(self, catalog: str, schema: str | None) -> tuple[str, ...]:
        registered = {str(table.full_name) for table in self._tables.list(catalog, schema)}
        return tuple(sorted(registered.union(self.folders_in(catalog, schema))))

    def _used(self, catalog: str | None = None) -> list[Inhabited]:
        """Schemas that hold models or table folders."""
        found = {place.schema: place for place in self._grounds.inhabitants.list(self._connection, catalog)}
        for schema, since in self._folders.list_schemas().items():
            if catalog is None or schema.catalog == catalog:
                found.setdefault(schema, Inhabited(schema, 0, "", since))
        return list(found.values())


def _traces(place: Inhabited) -> Traces:
    return Traces(place.first_at, place.first_by, place.first_at, place.first_by)
