"""Keeps the routing snapshot true, and remembers what gateways were told and when."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from pierhead.serving.domain.observed import Announced
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
        self._written: Snapshot | None = None
        self._sockets: list[str] = []
        self.routed_at: dict[str, datetime] = {}
        self.announced: dict[str, Announced] = {}
        # A predecessor's snapshot is what gateways follow until we write: its sockets are in use.
        self._follow(place.read(), now)

    def publish(self, principals: Mapping[str, Principal], routes: Mapping[str, EndpointRoute], now: datetime) -> None:
        """Raises OSError if the snapshot cannot be written; gateways then go on with the last one."""
        snapshot = next_snapshot(self._written, principals, routes)
        if snapshot is not self._written:
            self._place.write(snapshot)
            self._follow(snapshot, now)
        self.look_again(now)

    def look_again(self, now: datetime) -> None:
        """Note that what was written last is still what gateways follow."""
        self.routed_at.update(dict.fromkeys(self._sockets, now))
        self.routed_at = {socket: at for socket, at in self.routed_at.items() if now - at < _MEMORY}

    def _follow(self, snapshot: Snapshot | None, now: datetime) -> None:
        self._written = snapshot
        routes = list(snapshot.endpoints.values()) if snapshot else []
        self._sockets = [
            socket
            for route in routes
            for entity in route.entities
            for socket in (*entity.sockets, *entity.native_sockets)
        ]
        self.announced = {route.endpoint_id: self._announcement(route, now) for route in routes if route.entities}
        self.look_again(now)

    def _announcement(self, route: EndpointRoute, now: datetime) -> Announced:
        before = self.announced.get(route.endpoint_id)
        if before is not None and before.config_version == route.config_version:
            return before
        return Announced(route.config_version, now)

    @property
    def written(self) -> Snapshot | None:
        return self._written
