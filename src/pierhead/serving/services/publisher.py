"""Keeps the routing snapshot true, and remembers what gateways were told and when."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from pierhead.serving.domain.reconcile import Announced
from pierhead.serving.domain.routing import next_snapshot
from pierhead.serving.domain.snapshot import EndpointRoute, Principal, Snapshot
from pierhead.serving.ports import SnapshotPlace

log = structlog.get_logger()

_MEMORY = timedelta(minutes=5)


class Publisher:
    """Writes a snapshot only when its content changes.

    `routed_at` says when a socket was last in the snapshot, `announced` which config of an endpoint is in it.
    """

    def __init__(self, place: SnapshotPlace, now: datetime) -> None:
        self._place = place
        self._written = place.read()
        self.routed_at: dict[str, datetime] = {}
        self.announced: dict[str, Announced] = {}
        # A predecessor's snapshot is what gateways follow until we write: its sockets are in use.
        self.look_again(now)

    def publish(self, principals: Mapping[str, Principal], routes: Mapping[str, EndpointRoute], now: datetime) -> None:
        """Raises OSError if the snapshot cannot be written; gateways then go on with the last one."""
        snapshot = next_snapshot(self._written, principals, routes)
        if snapshot is not self._written:
            self._place.write(snapshot)
            self._written = snapshot
        self.look_again(now)

    def look_again(self, now: datetime) -> None:
        """Note that what was written last is still what gateways follow."""
        written = self._written.endpoints.values() if self._written else ()
        for route in written:
            for entity in route.entities:
                self.routed_at.update(dict.fromkeys(entity.sockets, now))
        self.routed_at = {socket: at for socket, at in self.routed_at.items() if now - at < _MEMORY}
        self.announced = {route.endpoint_id: self._announcement(route, now) for route in written if route.entities}

    def _announcement(self, route: EndpointRoute, now: datetime) -> Announced:
        before = self.announced.get(route.endpoint_id)
        if before is not None and before.config_version == route.config_version:
            return before
        return Announced(route.config_version, now)

    @property
    def written(self) -> Snapshot | None:
        return self._written
