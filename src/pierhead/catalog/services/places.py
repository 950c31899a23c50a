"""Catalogs and schemas come into being when they are first used; whoever uses them first owns them."""

from contextlib import suppress

from sqlalchemy import Connection

from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.places import FIRST_PLACE, Catalog, Schema, Traces
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.ownership import Ownership
from pierhead.catalog.store.places import PlaceStore
from pierhead.identity.store import milestones
from pierhead.kit.clock import Clock
from pierhead.kit.errors import AlreadyExists

_MADE = "first places"


class Places:
    """Makes rows for what is used, within the caller's transaction."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._store = PlaceStore(connection)
        self._ownership = Ownership(connection)
        self._clock = clock

    def ensure(self, catalog: str, schema: str, *, owner: str) -> None:
        """Make sure that a schema and its catalog exist; `owner` is the name of whoever needs them. Harmless twice.

        Raises InvalidArgument for names that are not allowed.
        """
        name, now = SchemaName.parse(f"{catalog}.{schema}"), self._clock.now()
        self.adopt_schema(Schema(name, "", {}, Traces(now, owner, now, owner)))

    def adopt_schema(self, schema: Schema) -> None:
        """Keep a schema, and its catalog, as rows; harmless if they are."""
        if self._store.find_schema(schema.full_name) is not None:
            return
        self.adopt_catalog(Catalog(schema.full_name.catalog, "", {}, schema.traces))
        # Somebody else may be faster: theirs is as good.
        with suppress(AlreadyExists):
            self._store.add_schema(schema)
            self._ownership.begin(schema.full_name, schema.traces.created_by)

    def adopt_catalog(self, catalog: Catalog) -> None:
        """As `adopt_schema`, for a catalog alone."""
        if self._store.find_catalog(catalog.name) is not None:
            return
        with suppress(AlreadyExists):
            self._store.add_catalog(catalog)
            self._ownership.begin(catalog.name, catalog.traces.created_by)


def set_up(connection: Connection, grounds: Grounds) -> None:
    """Keep every place that is in use as rows, and, once in the life of a platform, make the first ones."""
    places, known = Places(connection, grounds.clock), KnownPlaces(connection, grounds)
    for catalog in known.catalogs():
        for schema in known.schemas(catalog.name):
            places.adopt_schema(schema)
    if not milestones.is_reached(connection, _MADE):
        places.ensure(FIRST_PLACE.catalog, FIRST_PLACE.name, owner="")
        milestones.reach(connection, _MADE)
