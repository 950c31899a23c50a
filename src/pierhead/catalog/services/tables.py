"""Delta tables by name: registered ones, and those that lie in the tables folder without asking."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from pierhead.catalog.domain.locations import overlap, refuse_taken
from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.tables import OpenedTable, Registration, Table, TableDraft, TableType
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.ownership import Ownership
from pierhead.catalog.services.places import Places
from pierhead.catalog.services.table_folders import TableFolders
from pierhead.catalog.services.table_logs import begin_log, read_log, split_properties
from pierhead.catalog.store.tables import TableStore
from pierhead.catalog.store.volumes import VolumeStore
from pierhead.kit.errors import AlreadyExists, InvalidArgument, InvalidState, NotFound
from pierhead.kit.folder_tree import relative_path
from pierhead.kit.home import Home
from pierhead.kit.ids import new_id
from pierhead.kit.names import FullName


class Tables:
    """Use cases on tables, within the caller's transaction. `Removals` deletes them."""

    def __init__(self, connection: Connection, grounds: Grounds) -> None:
        self._store = TableStore(connection)
        self._known = KnownPlaces(connection, grounds)
        self._places = Places(connection, grounds.clock)
        self._ownership = Ownership(connection)
        self._folders = TableFolders(grounds.home.tables)
        self._volumes = VolumeStore(connection)
        self._home = grounds.home
        self._clock = grounds.clock

    def find(self, name: FullName) -> Table | None:
        """The table of this name; its log is not looked at."""
        found = self._store.find(name)
        if found is None and self._folders.holds(name):
            return Table(name, TableType.MANAGED, self._folders.place(name))
        return found

    def get(self, name: FullName) -> Table:
        """Raises NotFound."""
        table = self.find(name)
        if table is None:
            raise NotFound(f"table '{name}' does not exist")
        return table

    def find_location(self, name: FullName) -> Path | None:
        """The Delta folder of a table, also of an inference table."""
        table = self.find(name)
        return None if table is None else table.location

    def list(self, schema: SchemaName) -> Sequence[Table]:
        """The tables of a schema, sorted by name."""
        return self._merged(schema.catalog, schema.name)

    def list_in_catalog(self, catalog: str) -> Sequence[Table]:
        """The tables of all schemas of a catalog, sorted by name."""
        return self._merged(catalog, None)

    def add(self, draft: TableDraft, *, by: str) -> Table:
        """Register a table that exists, or make an empty one.

        Raises NotFound for the schema, AlreadyExists for the name or the place, or InvalidArgument.
        """
        self._places.adopt_schema(self._known.schema(SchemaName.of(draft.full_name)))
        if self.find(draft.full_name) is not None and draft.location != self._folders.place(draft.full_name):
            raise AlreadyExists(f"table '{draft.full_name}' exists already")
        return self._add_managed(draft, by) if draft.location is None else self._add_external(draft, draft.location, by)

    def set_owner(self, name: FullName, owner: str, *, by: str) -> None:
        """Raises NotFound, or InvalidArgument if nobody has this name. An inference table is registered by that."""
        owner = self._ownership.check_asset_owner(owner)
        table = self.get(name)
        if table.registration is None:
            self._places.adopt_schema(self._known.schema(SchemaName.of(name)))
            self._register(table, {}, by, owner=owner)
            return
        now = self._clock.now()
        self._store.update(replace(table.registration, owner=owner, updated_at=now, updated_by=by))

    def _add_external(self, draft: TableDraft, location: Path, by: str) -> Table:
        if location.is_relative_to(os.path.realpath(self._home.tables)):
            # It is a table of ours already; registered, it gets an owner.
            return self._register(Table(draft.full_name, TableType.MANAGED, location), draft.properties, by)
        refuse_taken(location, {**self._store.locations(), **self._volumes.locations()})
        return self._register(Table(draft.full_name, TableType.EXTERNAL, location), draft.properties, by)

    def _add_managed(self, draft: TableDraft, by: str) -> Table:
        location = self._folders.place(draft.full_name)
        inside, rest = split_properties(draft.properties)
        table = self._register(Table(draft.full_name, TableType.MANAGED, location), rest, by)
        # Last: if it fails, the row goes with it.
        begin_log(location, draft.columns, inside)
        return table

    def _register(self, table: Table, properties: Mapping[str, str], by: str, *, owner: str | None = None) -> Table:
        now = self._clock.now()
        registration = Registration(new_id(), owner or by, dict(properties), now, by, now, by)
        self._store.add(table, registration)
        return replace(table, registration=registration)

    def _merged(self, catalog: str, schema: str | None) -> Sequence[Table]:
        found = {table.full_name: table for table in self._store.list(catalog, schema)}
        for name in self._folders.list(catalog, schema):
            found.setdefault(name, Table(name, TableType.MANAGED, self._folders.place(name)))
        return sorted(found.values(), key=lambda table: (table.full_name.schema, table.full_name.name))


def opened(table: Table) -> OpenedTable:
    """The table with what its log says, or with what is wrong with it."""
    try:
        return OpenedTable(table, read_log(table.location))
    except (NotFound, InvalidState) as error:
        return OpenedTable(table, problem=error.message)


def usable_location(path: Path, name: FullName, home: Home) -> Path:
    """The real path of a table that somebody wants to register. Raises InvalidArgument if it is none of theirs.

    Links are followed first: what counts is where the files are. Delta's engine makes a URL of the path, in which an
    encoded `..` leads up: no such part is let through.
    """
    real, ours = Path(os.path.realpath(path)), Path(os.path.realpath(home.root))
    relative_path(str(real))
    tables = Path(os.path.realpath(home.tables))
    if real.is_relative_to(tables) and real != tables:
        if real != tables / name.catalog / name.schema / name.name:
            raise InvalidArgument(
                f"{path} lies in the platform's tables folder, where the folder is the name: CATALOG/SCHEMA/TABLE"
            )
        return real
    if overlap(real, ours):
        raise InvalidArgument(f"{path} overlaps the platform's own folder {home.root}; keep tables elsewhere")
    return real
