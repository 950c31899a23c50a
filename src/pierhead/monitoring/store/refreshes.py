"""Refreshes as rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, insert, select, update

from pierhead.monitoring.domain.monitors import Refresh, RefreshState, Trigger
from pierhead.monitoring.store.monitor_tables import refreshes

_MOST_LISTED = 500
_OPEN = (RefreshState.PENDING.value, RefreshState.RUNNING.value)


class RefreshStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, monitor_id: str, trigger: Trigger, now: datetime) -> Refresh:
        """A new one, PENDING."""
        refresh = Refresh(0, monitor_id, RefreshState.PENDING, trigger, now)
        made = self._connection.execute(insert(refreshes).values(monitor_id=monitor_id, **_values(refresh)))
        number = made.inserted_primary_key
        assert number is not None
        return Refresh(int(number[0]), monitor_id, RefreshState.PENDING, trigger, now)

    def put(self, refresh: Refresh, *, expected: RefreshState) -> bool:
        """Replace what is known of it; False if its state is not the expected one any more."""
        where = (refreshes.c.id == refresh.id, refreshes.c.state == expected.value)
        return self._connection.execute(update(refreshes).where(*where).values(**_values(refresh))).rowcount == 1

    def find(self, monitor_id: str, refresh_id: int) -> Refresh | None:
        return self._one(self._of(monitor_id).where(refreshes.c.id == refresh_id))

    def find_last_success(self, monitor_id: str) -> Refresh | None:
        query = self._of(monitor_id).where(refreshes.c.state == RefreshState.SUCCESS.value)
        return self._one(query.order_by(refreshes.c.id.desc()).limit(1))

    def find_pending(self, monitor_id: str) -> Refresh | None:
        query = self._of(monitor_id).where(refreshes.c.state == RefreshState.PENDING.value)
        return self._one(query.order_by(refreshes.c.id).limit(1))

    def find_next(self) -> Refresh | None:
        """The one to work on: one that was begun, else the oldest that waits."""
        query = select(refreshes).where(refreshes.c.state.in_(_OPEN))
        found = [_refresh(row) for row in self._connection.execute(query.order_by(refreshes.c.id))]
        return min(found, key=lambda each: (each.state is not RefreshState.RUNNING, each.id), default=None)

    def list(self, monitor_id: str) -> list[Refresh]:
        """Newest first, the last five hundred."""
        query = self._of(monitor_id).order_by(refreshes.c.id.desc()).limit(_MOST_LISTED)
        return [_refresh(row) for row in self._connection.execute(query)]

    def _of(self, monitor_id: str) -> Select[Any]:
        return select(refreshes).where(refreshes.c.monitor_id == monitor_id)

    def _one(self, query: Select[Any]) -> Refresh | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _refresh(row)


def _values(refresh: Refresh) -> dict[str, Any]:
    return {
        "monitor_version": refresh.monitor_version,
        "state": refresh.state.value,
        "trigger": refresh.trigger.value,
        "asked_at": refresh.asked_at,
        "began_at": refresh.began_at,
        "ended_at": refresh.ended_at,
        "message": refresh.message,
        "from_versions": _json(refresh.from_versions),
        "to_versions": _json(refresh.to_versions),
    }


def _refresh(row: Row[Any]) -> Refresh:
    return Refresh(
        id=row.id,
        monitor_id=row.monitor_id,
        state=RefreshState(row.state),
        trigger=Trigger(row.trigger),
        asked_at=row.asked_at,
        began_at=row.began_at,
        ended_at=row.ended_at,
        message=row.message,
        from_versions=orjson.loads(row.from_versions),
        to_versions=orjson.loads(row.to_versions),
        monitor_version=row.monitor_version,
    )


def _json(versions: Mapping[str, int]) -> str:
    return orjson.dumps(dict(versions)).decode()
