"""Catalogs: made, changed, renamed with all inside them, and deleted."""

from dataclasses import replace

from sqlalchemy import Connection

from pierhead.catalog.domain.names import SchemaName, check_part
from pierhead.catalog.domain.places import Catalog, Change, Draft, Schema, Traces
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.ownership import Ownership
from pierhead.catalog.services.places import Places
from pierhead.catalog.store.places import PlaceStore
from pierhead.kit.errors import AlreadyExists, InvalidState


class Catalogs:
    """Use cases on catalogs and schemas, within the caller's transaction. `Removals` deletes them."""

    def __init__(self, connection: Connection, grounds: Grounds) -> None:
        self._store = PlaceStore(connection)
        self._known = KnownPlaces(connection, grounds)
        self._places = Places(connection, grounds.clock)
        self._ownership = Ownership(connection)
        self._clock = grounds.clock

    def create(self, name: str, draft: Draft, *, by: str) -> Catalog:
        """Raises InvalidArgument or AlreadyExists."""
        catalog = Catalog(check_part(name, "catalog"), draft.comment, draft.properties, self._new_traces(by))
        self._refuse_known_catalog(name)
        self._store.add_catalog(catalog)
        self._ownership.begin(name, by)
        return catalog

    def create_schema(self, name: SchemaName, draft: Draft, *, by: str) -> Schema:
        """Raises NotFound for the catalog, or AlreadyExists."""
        self._places.adopt_catalog(self._known.catalog(name.catalog))
        schema = Schema(name, draft.comment, draft.properties, self._new_traces(by))
        self._refuse_known_schema(name)
        self._store.add_schema(schema)
        self._ownership.begin(name, by)
        return schema

    def update(self, name: str, change: Change, *, by: str) -> Catalog:
        """Raises NotFound, InvalidArgument, AlreadyExists, or InvalidState for a rename of what cannot follow."""
        catalog = self._known.catalog(name)
        self._places.adopt_catalog(catalog)
        changed = replace(
            catalog,
            comment=catalog.comment if change.comment is None else change.comment,
            properties=catalog.properties if change.properties is None else change.properties,
            traces=self._changed(catalog.traces, by),
        )
        if change.new_name and change.new_name != name:
            changed = replace(changed, name=check_part(change.new_name, "catalog"))
            self._refuse_known_catalog(changed.name)
            self._refuse_fixed(f"catalog {name!r}", name, None)
        self._store.update_catalog(name, changed)
        if changed.name != name:
            self._ownership.rename(name, changed.name)
        if change.owner is not None:
            self._ownership.give(changed.name, change.owner)
        return changed

    def update_schema(self, name: SchemaName, change: Change, *, by: str) -> Schema:
        """As `update`. A schema stays in its catalog."""
        schema = self._known.schema(name)
        self._places.adopt_schema(schema)
        changed = replace(
            schema,
            comment=schema.comment if change.comment is None else change.comment,
            properties=schema.properties if change.properties is None else change.properties,
            traces=self._changed(schema.traces, by),
        )
        if change.new_name and change.new_name != name.name:
            changed = replace(changed, full_name=SchemaName(name.catalog, check_part(change.new_name, "schema")))
            self._refuse_known_schema(changed.full_name)
            self._refuse_fixed(f"schema '{name}'", name.catalog, name.name)
        self._store.update_schema(name, changed)
        if changed.full_name != name:
            self._ownership.rename(name, changed.full_name)
        if change.owner is not None:
            self._ownership.give(changed.full_name, change.owner)
        return changed

    def _refuse_known_catalog(self, name: str) -> None:
        if any(catalog.name == name for catalog in self._known.catalogs()):
            raise AlreadyExists(f"catalog {name!r} exists already")

    def _refuse_known_schema(self, name: SchemaName) -> None:
        if any(schema.full_name == name for schema in self._known.schemas(name.catalog)):
            raise AlreadyExists(f"schema '{name}' exists already")

    def _refuse_fixed(self, title: str, catalog: str, schema: str | None) -> None:
        """Models answer to their full names everywhere, and managed tables lie in folders of their names."""
        contents = (
            self._known.in_catalog(catalog) if schema is None else self._known.in_schema(SchemaName(catalog, schema))
        )
        fixed = replace(contents, schemas=(), volumes=(), tables=self._known.folders_in(catalog, schema)).words()
        if fixed:
            raise InvalidState(
                f"{title} cannot be renamed while it holds {' and '.join(fixed)}: their full names would change; "
                "move them or delete them first"
            )

    def _new_traces(self, by: str) -> Traces:
        now = self._clock.now()
        return Traces(now, by, now, by)

    def _changed(self, traces: Traces, by: str) -> Traces:
        return replace(traces, updated_at=self._clock.now(), updated_by=by)
