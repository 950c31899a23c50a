"""What happened to endpoints."""

from sqlalchemy import Connection, delete, insert, select

from pierhead.serving.domain.endpoints import EndpointEvent
from pierhead.serving.store.tables import endpoint_events, endpoints

_KEPT_EVENTS = 500
"""Per endpoint: a worker that dies for ever must not fill the database."""


class EventStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, endpoint_id: str, event: EndpointEvent) -> None:
        """The oldest events go when there are too many. Nothing happens if the endpoint is gone."""
        if self._connection.scalar(select(endpoints.c.id).where(endpoints.c.id == endpoint_id)) is None:
            return
        self._connection.execute(
            insert(endpoint_events).values(endpoint_id=endpoint_id, at=event.at, kind=event.kind, message=event.message)
        )
        oldest_kept = (
            select(endpoint_events.c.id)
            .where(endpoint_events.c.endpoint_id == endpoint_id)
            .order_by(endpoint_events.c.id.desc())
            .limit(1)
            .offset(_KEPT_EVENTS - 1)
            .scalar_subquery()
        )
        self._connection.execute(
            delete(endpoint_events).where(
                endpoint_events.c.endpoint_id == endpoint_id, endpoint_events.c.id < oldest_kept
            )
        )

    def list_of(self, endpoint_id: str) -> list[EndpointEvent]:
        """The newest events, oldest first."""
        rows = self._connection.execute(
            select(endpoint_events.c.at, endpoint_events.c.kind, endpoint_events.c.message)
            .where(endpoint_events.c.endpoint_id == endpoint_id)
            .order_by(endpoint_events.c.id)
        )
        return [EndpointEvent(row.at, row.kind, row.message) for row in rows]
