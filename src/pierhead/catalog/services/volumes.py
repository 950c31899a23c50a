"""Volumes by name."""

import os
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from pierhead.catalog.domain.locations import overlap, refuse_taken
from pierhead.catalog.domain.names import SchemaName, check_part
from pierhead.catalog.domain.places import Traces
from pierhead.catalog.domain.volumes import Volume, VolumeType
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.ownership import Ownership
from pierhead.catalog.services.places import Places
from pierhead.catalog.store.tables import TableStore
from pierhead.catalog.store.volumes import VolumeStore
from pierhead.identity.domain.objects import Kind
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.ids import new_id
from pierhead.kit.names import FullName


class Volumes:
    """Use cases on volumes, within the caller's transaction. `Removals` deletes them."""

    def __init__(self, connection: Connection, grounds: Grounds) -> None:
        self._store = VolumeStore(connection)
        self._tables = TableStore(connection)
        self._known = KnownPlaces(connection, grounds)
        self._places = Places(connection, grounds.clock)
        self._ownership = Ownership(connection)
        self._home = grounds.home
        self._clock = grounds.clock

    def find(self, name: FullName) -> Volume | None:
        return self._store.find(name)

    def get(self, name: FullName) -> Volume:
        """Raises NotFound."""
        volume = self._store.find(name)
        if volume is None:
            raise NotFound(f"volume '{name}' does not exist")
        return volume

    def list(self, schema: SchemaName) -> list[Volume]:
        """The volumes of a schema, sorted by name."""
        return self._store.list(schema.catalog, schema.name)

    def add(self, name: FullName, location: Path | None, *, comment: str, by: str) -> Volume:
        """A new volume: over an existing folder, or (None) in a new one of the platform's.

        Raises NotFound for the schema, AlreadyExists for the name or the place, or InvalidArgument.
        """
        self._places.adopt_schema(self._known.schema(SchemaName.of(name)))
        now, id = self._clock.now(), new_id()
        traces = Traces(now, by, now, by)
        if location is None:
            volume = Volume(id, name, VolumeType.MANAGED, self._new_folder(name, id), by, comment, traces)
        else:
            volume = Volume(id, name, VolumeType.EXTERNAL, self._free_folder(location), by, comment, traces)
        self._store.add(volume)
        # Last: if it fails, the row goes with it.
        volume.location.mkdir(parents=True, exist_ok=True)
        return volume

    def update(
        self, name: FullName, *, comment: str | None, new_name: str | None, owner: str | None, by: str
    ) -> Volume:
        """Raises NotFound, AlreadyExists or InvalidArgument. The files stay where they are."""
        volume = self.get(name)
        full_name = replace(name, name=check_part(new_name, "volume")) if new_name else name
        changed = replace(
            volume,
            full_name=full_name,
            comment=volume.comment if comment is None else comment,
            owner=volume.owner if owner is None else self._ownership.check_asset_owner(owner),
            traces=replace(volume.traces, updated_at=self._clock.now(), updated_by=by),
        )
        self._store.update(changed)
        if full_name != name:
            self._ownership.rename_asset(Kind.VOLUME, name, full_name)
        return changed

    def _new_folder(self, name: FullName, id: str) -> Path:
        """Its name's, unless a volume that was renamed or dropped has left its files there."""
        folder = self._home.volumes / name.catalog / name.schema / name.name
        return folder if not folder.exists() else folder.with_name(f"{name.name}.{id[:8]}")

    def _free_folder(self, path: Path) -> Path:
        # Links are followed first: what counts is where the files are.
        real = Path(os.path.realpath(path))
        if not real.is_dir():
            raise InvalidArgument(f"{path} is no folder of this machine; an EXTERNAL volume is over one that exists")
        if overlap(real, Path(os.path.realpath(self._home.root))):
            raise InvalidArgument(f"{path} overlaps the platform's own folder {self._home.root}")
        refuse_taken(real, {**self._tables.locations(), **self._store.locations()})
        return real
