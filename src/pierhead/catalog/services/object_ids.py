"""Tables and schemas by their ids, as some clients name them."""

import threading
from pathlib import Path

from sqlalchemy import Connection

from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.object_ids import schema_id_of
from pierhead.catalog.domain.tables import Table
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.table_logs import find_id
from pierhead.catalog.services.tables import Tables
from pierhead.kit.errors import InvalidState, NotFound
from pierhead.kit.names import FullName


class ObjectIds:
    """A table's id is in its log. What was found is remembered, and looked at again before it is believed."""

    def __init__(self, grounds: Grounds, metastore_id: str) -> None:
        self._grounds = grounds
        self._metastore_id = metastore_id
        self._known: dict[str, tuple[FullName, Path]] = {}
        self._one_at_a_time = threading.Lock()

    def table_id(self, table: Table) -> str:
        """Raises InvalidState if its log cannot be read."""
        found = find_id(table.location)
        if found is None:
            raise InvalidState(f"table '{table.full_name}' has no Delta log that can be read")
        return found

    def table(self, connection: Connection, table_id: str) -> FullName:
        """Raises NotFound. The first look at an id opens the log of every table."""
        known = self._known.get(table_id)
        if known is None or not self._is_still(connection, table_id, *known):
            with self._one_at_a_time:
                self._look(connection)
            known = self._known.get(table_id)
        if known is None:
            raise NotFound(f"no table has the id {table_id!r}")
        return known[0]

    def schema_id(self, name: SchemaName) -> str:
        return schema_id_of(self._metastore_id, name)

    def schema(self, connection: Connection, schema_id: str) -> SchemaName:
        """Raises NotFound."""
        places = KnownPlaces(connection, self._grounds)
        for catalog in places.catalogs():
            for schema in places.schemas(catalog.name):
                if self.schema_id(schema.full_name) == schema_id:
                    return schema.full_name
        raise NotFound(f"no schema has the id {schema_id!r}")

    def _is_still(self, connection: Connection, table_id: str, name: FullName, location: Path) -> bool:
        table = Tables(connection, self._grounds).find(name)
        return table is not None and table.location == location and find_id(location) == table_id

    def _look(self, connection: Connection) -> None:
        tables = Tables(connection, self._grounds)
        found: dict[str, tuple[FullName, Path]] = {}
        for catalog in KnownPlaces(connection, self._grounds).catalogs():
            for table in tables.list_in_catalog(catalog.name):
                table_id = find_id(table.location)
                if table_id is not None:
                    found.setdefault(table_id, (table.full_name, table.location))
        self._known = found
