"""Labels for an endpoint: where they go, and how their keys are written there."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.pins import Pins
from pierhead.catalog.services.tables import Tables
from pierhead.identity.domain.objects import Action, Asset, Kind
from pierhead.identity.services.access import Access
from pierhead.kit.audit_context import note
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName
from pierhead.kit.web.caller import Caller
from pierhead.monitoring.domain.label_batches import Added, FromTable
from pierhead.monitoring.domain.masking import Masking
from pierhead.monitoring.services.endpoint_tables import payload_of
from pierhead.monitoring.services.labels import Labels, table_labels
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.table_tags import Mask, table_policy


class LabelIntake:
    """Use cases on labels. Each opens its own transactions: none is held while files are written."""

    def __init__(self, database: Database, grounds: Grounds, masking_key: bytes) -> None:
        self._database = database
        self._grounds = grounds
        self._masking = Masking(masking_key)

    def add(self, endpoint: Endpoint, rows: pa.Table, *, batch_id: str, source: str) -> Added:
        """Take a batch. Raises as `Labels.add` does, or InvalidState for an endpoint without an inference table."""
        labels = Labels(
            self._grounds.home.tables, payload_of(endpoint), hash_key=self._hash_key(endpoint), pinned=self._pinned
        )
        added = labels.add(rows, batch_id=batch_id, source=source, now=self._grounds.clock.now())
        self._record(endpoint, added)
        return added

    def import_table(self, endpoint: Endpoint, order: FromTable, *, caller: Caller, source: str) -> Added:
        """Take the labels in a table that the caller may read; at the same version they are taken once."""
        rows, version, batch_id = table_labels(self._location(order, caller), order)
        return self.add(endpoint, rows, batch_id=batch_id, source=source or f"{order.table}@{version}")

    def now(self) -> datetime:
        return self._grounds.clock.now()

    def _location(self, order: FromTable, caller: Caller) -> Path:
        name = FullName.parse(order.table)
        with self._database.reading() as connection:
            table = Tables(connection, self._grounds).get(name)
            asset = Asset(Kind.TABLE, name.catalog, name.schema, name.name, table.owner)
            Access(connection, caller).require(Action.READ, asset)
        return table.location

    def _hash_key(self, endpoint: Endpoint) -> Callable[[object], str] | None:
        policy = table_policy(endpoint.tags)
        mask = policy.masks.get(policy.entity_key or "")
        if mask is Mask.DROP:
            return _refuse_keys
        return self._masking.hashed if mask is Mask.HASH else None

    def _pinned(self, location: Path) -> frozenset[int]:
        with self._database.reading() as connection:
            return Pins(connection, self._grounds.clock).versions_of(location)

    def _record(self, endpoint: Endpoint, added: Added) -> None:
        """One audit record for each batch, which has no other transaction."""
        with self._database.transaction():
            note(
                object=f"endpoint/{endpoint.name}",
                table=added.table,
                batch_id=added.batch_id,
                rows=added.rows,
                is_replay=added.is_replay,
            )


def _refuse_keys(_key: object) -> str:
    raise InvalidArgument("this endpoint drops the field that its entities are known by: send request_id instead")
