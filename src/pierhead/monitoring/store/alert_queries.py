"""Alerts on queries as rows."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from pierhead.monitoring.domain.alert_queries import AlertQuery
from pierhead.monitoring.store.alert_tables import alert_queries as queries


class QueryStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, query_id: str) -> AlertQuery | None:
        row = self._connection.execute(select(queries).where(queries.c.id == query_id)).one_or_none()
        return None if row is None else _query(row)

    def list_active(self, owner: str | None = None) -> list[AlertQuery]:
        """Those that are not in the trash, the oldest first; of one owner, or all."""
        query = select(queries).where(queries.c.trashed_at.is_(None)).order_by(queries.c.position)
        rows = self._connection.execute(query if owner is None else query.where(queries.c.owner == owner))
        return [_query(row) for row in rows]

    def list_due(self, now: datetime, limit: int) -> list[AlertQuery]:
        """The longest due first; those too that were looked at before the clock was set back."""
        is_due = or_(queries.c.next_at <= now, queries.c.evaluated_at > now)
        query = select(queries).where(queries.c.trashed_at.is_(None), queries.c.next_at.is_not(None), is_due)
        return [_query(row) for row in self._connection.execute(query.order_by(queries.c.next_at).limit(limit))]

    def add(self, query: AlertQuery) -> None:
        self._connection.execute(insert(queries).values(id=query.id, **_values(query)))

    def put(self, query: AlertQuery) -> None:
        self._connection.execute(update(queries).where(queries.c.id == query.id).values(**_values(query)))

    def set_evaluated(self, query: AlertQuery, now: datetime, next_at: datetime | None) -> None:
        row = update(queries).where(queries.c.id == query.id, queries.c.updated_at == query.updated_at)
        self._connection.execute(row.values(evaluated_at=now, next_at=next_at))

    def delete(self, query_id: str) -> None:
        self._connection.execute(delete(queries).where(queries.c.id == query_id))

    def list_trashed(self, before: datetime) -> list[AlertQuery]:
        return [_query(row) for row in self._connection.execute(select(queries).where(queries.c.trashed_at < before))]


def _values(query: AlertQuery) -> dict[str, Any]:
    return {
        "owner": query.owner,
        "body": orjson.dumps(dict(query.body)).decode(),
        "created_at": query.created_at,
        "updated_at": query.updated_at,
        "trashed_at": query.trashed_at,
        "evaluated_at": query.evaluated_at,
        "next_at": query.next_at,
    }


def _query(row: Row[Any]) -> AlertQuery:
    return AlertQuery(
        row.id,
        row.owner,
        orjson.loads(row.body),
        row.created_at,
        row.updated_at,
        row.trashed_at,
        row.evaluated_at,
        row.next_at,
    )
