"""Destinations: where alerts are told. Only admins make them."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import AlreadyExists, InvalidArgument, NotFound
from pierhead.kit.ids import new_id
from pierhead.kit.sealing import Seal
from pierhead.monitoring.domain.destinations import Destination, DestinationDraft, check_destination
from pierhead.monitoring.store.alert_outbox import DestinationStore


class Destinations:
    """Use cases inside one transaction. Secrets are sealed before they are kept, and never given back."""

    def __init__(self, connection: Connection, clock: Clock, seal: Seal) -> None:
        self._store = DestinationStore(connection)
        self._clock = clock
        self._seal = seal

    def list_all(self) -> list[Destination]:
        """By name."""
        return self._store.list_all()

    def get(self, destination_id: str) -> Destination:
        """Raises NotFound."""
        found = self._store.find(destination_id)
        if found is None:
            raise NotFound(f"notification destination '{destination_id}' does not exist")
        return found

    def create(self, draft: DestinationDraft, *, by: str) -> Destination:
        """Raises InvalidArgument, or AlreadyExists for the name."""
        check_destination(draft)
        self._refuse_taken(draft.name)
        destination = Destination(
            id=new_id(),
            name=draft.name,
            kind=draft.kind,
            created_by=by,
            created_at=self._clock.now(),
            url=draft.url,
            addresses=draft.addresses,
            sealed=self._sealed(draft.secrets),
        )
        self._store.add(destination)
        note(object=f"notification destination {destination.name}", after=destination.kind.value)
        return destination

    def update(self, destination_id: str, name: str | None, draft: DestinationDraft | None) -> Destination:
        """Another name, another config of the same kind, or both. Secrets that are not sent stay.

        Raises NotFound, InvalidArgument or AlreadyExists.
        """
        before = self.get(destination_id)
        after = before if name is None else replace(before, name=name)
        if draft is not None:
            if draft.kind is not before.kind:
                raise InvalidArgument(f"a destination of type {before.kind.value} stays one")
            sealed = {**before.sealed, **self._sealed(draft.secrets)}
            after = replace(after, url=draft.url or before.url, addresses=draft.addresses, sealed=sealed)
        check_destination(DestinationDraft(after.name, after.kind, after.url, after.addresses))
        if after.name != before.name:
            self._refuse_taken(after.name)
        self._store.put(after)
        note(object=f"notification destination {after.name}", before=before.name)
        return after

    def delete(self, destination_id: str) -> None:
        """What waits for it is not told any more. Raises NotFound."""
        found = self.get(destination_id)
        self._store.delete(found.id)
        note(object=f"notification destination {found.name}")

    def _refuse_taken(self, name: str) -> None:
        if any(each.name == name for each in self._store.list_all()):
            raise AlreadyExists(f"there is a notification destination named {name!r} already")

    def _sealed(self, secrets: Mapping[str, str]) -> dict[str, str]:
        return {key: self._seal.close(text) for key, text in secrets.items() if text}
