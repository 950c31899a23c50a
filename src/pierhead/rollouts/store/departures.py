"""Endpoints that were deleted lately and that the guard had held, as rows."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, insert, select

from pierhead.rollouts.domain.guard import Share, Version
from pierhead.rollouts.domain.records import Departure
from pierhead.rollouts.store.tables import departed_endpoints


class _Standing(msgspec.Struct):
    """What a row holds as JSON."""

    tags: dict[str, str]
    serves_production: bool
    live: tuple[Share, ...]
    proved: tuple[Version, ...]


_STANDING = msgspec.json.Decoder(_Standing)


class DepartureStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, departure: Departure) -> None:
        standing = _Standing(dict(departure.tags), departure.serves_production, departure.live, departure.proved)
        self._connection.execute(
            insert(departed_endpoints).values(
                endpoint_id=departure.endpoint_id,
                endpoint_name=departure.endpoint_name,
                at=departure.at,
                standing=msgspec.json.encode(standing).decode(),
            )
        )

    def list_since(self, endpoint_name: str, since: datetime) -> list[Departure]:
        """The newest first."""
        table = departed_endpoints
        query = select(table).where(table.c.endpoint_name == endpoint_name, table.c.at > since)
        found = []
        for row in self._connection.execute(query.order_by(table.c.at.desc(), table.c.endpoint_id)):
            kept = _STANDING.decode(row.standing)
            found.append(
                Departure(
                    row.endpoint_id,
                    row.endpoint_name,
                    row.at,
                    kept.tags,
                    kept.serves_production,
                    kept.live,
                    kept.proved,
                )
            )
        return found

    def forget_before(self, moment: datetime) -> None:
        self._connection.execute(delete(departed_endpoints).where(departed_endpoints.c.at <= moment))
