"""What gateways counted, as rows of five minutes."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from pierhead.monitoring.domain.traffic_counts import TrafficCounts
from pierhead.monitoring.store.alert_tables import alert_traffic as table


class TrafficStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, endpoint_id: str, start: datetime, counts: TrafficCounts) -> None:
        """Add to what the window holds."""
        key = (table.c.endpoint_id == endpoint_id, table.c.start == start)
        kept = self._connection.scalar(select(table.c.counts).where(*key).with_for_update())
        if kept is None:
            row = insert(table).values(endpoint_id=endpoint_id, start=start, counts=_text(counts))
            self._connection.execute(row)
            return
        total = _counts(kept)
        total.add(counts)
        self._connection.execute(update(table).where(*key).values(counts=_text(total)))

    def list_since(self, endpoint_id: str, since: datetime) -> Mapping[datetime, TrafficCounts]:
        """By the window's start, oldest first."""
        query = select(table).where(table.c.endpoint_id == endpoint_id, table.c.start >= since)
        return {row.start: _counts(row.counts) for row in self._connection.execute(query.order_by(table.c.start))}

    def delete_before(self, moment: datetime) -> None:
        self._connection.execute(delete(table).where(table.c.start < moment))


def _text(counts: TrafficCounts) -> str:
    fields = {
        "by_status": dict(counts.by_status),
        "latencies": counts.latencies,
        "by_entity": dict(counts.by_entity),
        "limited": counts.limited,
        "dropped": counts.dropped,
        "points": counts.points,
        "is_mixed": counts.is_mixed,
    }
    return orjson.dumps(fields).decode()


def _counts(text: str) -> TrafficCounts:
    kept = orjson.loads(text)
    return TrafficCounts(
        Counter(kept["by_status"]),
        kept["latencies"],
        Counter(kept["by_entity"]),
        kept["limited"],
        kept["dropped"],
        kept["points"],
        kept["is_mixed"],
    )
