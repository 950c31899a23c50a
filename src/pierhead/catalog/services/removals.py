"""Deleting tables, volumes, schemas and catalogs. No row of data is lost: managed folders are moved aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Connection

from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.pins import Pin
from pierhead.catalog.domain.places import Contents
from pierhead.catalog.domain.tables import Table, TableType
from pierhead.catalog.domain.volumes import Volume, VolumeType
from pierhead.catalog.services.dropped import set_aside
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.ownership import Ownership
from pierhead.catalog.services.pins import Pins
from pierhead.catalog.services.tables import Tables
from pierhead.catalog.services.volumes import Volumes
from pierhead.catalog.store.places import PlaceStore
from pierhead.catalog.store.tables import TableStore
from pierhead.catalog.store.volumes import VolumeStore
from pierhead.identity.domain.objects import Kind
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidState
from pierhead.kit.names import FullName

log = structlog.get_logger()

_REASONS_TOLD = 3


@dataclass(frozen=True, slots=True)
class Leftover:
    """A folder whose name nobody has any more."""

    location: Path
    name: str


class Removals:
    """Use cases that open transactions of their own: folders move only after the rows are gone for good.

    A crash in between leaves a folder in its place: a table is listed again then, and can be deleted again.
    """

    def __init__(self, database: Database, grounds: Grounds) -> None:
        self._database = database
        self._grounds = grounds

    def delete_table(self, name: FullName) -> None:
        """Raises NotFound, or InvalidState while versions of the table are pinned."""
        with self._database.transaction() as connection:
            leftovers = self._drop_table(connection, Tables(connection, self._grounds).get(name))
        self._set_aside(leftovers)

    def delete_volume(self, name: FullName) -> None:
        """Raises NotFound."""
        with self._database.transaction() as connection:
            leftovers = self._drop_volume(connection, Volumes(connection, self._grounds).get(name))
        self._set_aside(leftovers)

    def delete_schema(self, name: SchemaName, *, force: bool) -> None:
        """Raises NotFound, or InvalidState if it is not empty; `force` takes tables and volumes along, never models."""
        with self._database.transaction() as connection:
            known = KnownPlaces(connection, self._grounds)
            known.schema(name)
            _refuse_full(f"schema '{name}'", known.in_schema(name), force=force)
            leftovers = self._drop_schema(connection, name)
        self._set_aside(leftovers)

    def delete_catalog(self, name: str, *, force: bool) -> None:
        """As `delete_schema`, with all schemas in it."""
        with self._database.transaction() as connection:
            known = KnownPlaces(connection, self._grounds)
            known.catalog(name)
            _refuse_full(f"catalog {name!r}", known.in_catalog(name), force=force)
            schemas = [schema.full_name for schema in known.schemas(name)]
            leftovers = [leftover for schema in schemas for leftover in self._drop_schema(connection, schema)]
            PlaceStore(connection).delete_catalog(name)
            Ownership(connection).forget(name)
        self._set_aside(leftovers)

    def _drop_schema(self, connection: Connection, name: SchemaName) -> list[Leftover]:
        leftovers: list[Leftover] = []
        for table in Tables(connection, self._grounds).list(name):
            leftovers += self._drop_table(connection, table)
        for volume in VolumeStore(connection).list(name.catalog, name.name):
            leftovers += self._drop_volume(connection, volume)
        PlaceStore(connection).delete_schema(name)
        Ownership(connection).forget(name)
        return leftovers

    def _drop_table(self, connection: Connection, table: Table) -> list[Leftover]:
        pinned = Pins(connection, self._grounds.clock).of(table.location)
        if pinned:
            raise InvalidState(
                f"table '{table.full_name}' cannot be deleted: {_told(pinned)}; delete first what "
                "needs them, the model versions that were trained on them or the monitors that read them"
            )
        TableStore(connection).delete(table.full_name)
        Ownership(connection).forget_asset(Kind.TABLE, table.full_name)
        return [Leftover(table.location, str(table.full_name))] if table.type is TableType.MANAGED else []

    def _drop_volume(self, connection: Connection, volume: Volume) -> list[Leftover]:
        VolumeStore(connection).delete(volume)
        Ownership(connection).forget_asset(Kind.VOLUME, volume.full_name)
        return [Leftover(volume.location, str(volume.full_name))] if volume.type is VolumeType.MANAGED else []

    def _set_aside(self, leftovers: list[Leftover]) -> None:
        home, now = self._grounds.home, self._grounds.clock.now()
        for leftover in leftovers:
            root = home.tables if leftover.location.is_relative_to(home.tables) else home.volumes
            kept = set_aside(root, leftover.location, leftover.name, now)
            log.info("dropped folder kept", name=leftover.name, folder=None if kept is None else str(kept))


def _told(pins: Sequence[Pin]) -> str:
    """The versions and why they are pinned, the first few reasons."""
    versions = ", ".join(str(each) for each in sorted({each.version for each in pins}))
    reasons = list(dict.fromkeys(each.reason for each in pins))
    more = [f"and {len(reasons) - _REASONS_TOLD} more"] if len(reasons) > _REASONS_TOLD else []
    return f"its versions {versions} are pinned ({'; '.join([*reasons[:_REASONS_TOLD], *more])})"


def _refuse_full(title: str, contents: Contents, *, force: bool) -> None:
    if contents.models:
        raise InvalidState(
            f"{title} holds {' and '.join(contents.words())}; models are never deleted with what holds them: "
            "delete or rename each of them first"
        )
    if contents.words() and not force:
        raise InvalidState(
            f"{title} is not empty: it holds {' and '.join(contents.words())}; delete them, or use force"
        )
