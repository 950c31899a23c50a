"""Deliveries as rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from pierhead.registry.domain.events import EventName
from pierhead.registry.domain.webhooks import Delivery, WebhookStatus
from pierhead.registry.store.webhook_tables import registry_webhook_deliveries as deliveries
from pierhead.registry.store.webhook_tables import registry_webhooks as webhooks


class DeliveryStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, delivery: Delivery) -> None:
        self._connection.execute(
            insert(deliveries).values(
                id=delivery.id,
                webhook_id=delivery.webhook_id,
                event=delivery.event.value,
                body=delivery.body,
                happened_at=delivery.happened_at,
                tries=delivery.tries,
            )
        )

    def find_first(self, webhook_id: str) -> Delivery | None:
        """What the webhook has to hear next."""
        query = (
            select(deliveries)
            .where(deliveries.c.webhook_id == webhook_id, deliveries.c.delivered_at.is_(None))
            .order_by(deliveries.c.position)
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _delivery(row)

    def list(self, webhook_id: str, limit: int) -> list[Delivery]:
        """The newest first."""
        query = select(deliveries).where(deliveries.c.webhook_id == webhook_id)
        rows = self._connection.execute(query.order_by(deliveries.c.position.desc()).limit(limit))
        return [_delivery(row) for row in rows]

    def set_tried(self, delivery_id: str, outcome: str, now: datetime, *, delivered: bool) -> None:
        """Count one try; nothing happens if the delivery is gone or was delivered already."""
        row = update(deliveries).where(deliveries.c.id == delivery_id, deliveries.c.delivered_at.is_(None))
        values: dict[str, Any] = {"tries": deliveries.c.tries + 1, "last_try": now, "last_outcome": outcome}
        self._connection.execute(row.values(**values, **({"delivered_at": now} if delivered else {})))

    def delete_delivered(self, before: datetime) -> None:
        self._connection.execute(delete(deliveries).where(deliveries.c.delivered_at < before))

    def delete_held(self, before: datetime) -> None:
        """What waits since then for webhooks to which nothing is sent."""
        held = select(webhooks.c.id).where(webhooks.c.status != WebhookStatus.ACTIVE.value)
        is_waiting = deliveries.c.delivered_at.is_(None)
        self._connection.execute(
            delete(deliveries).where(is_waiting, deliveries.c.happened_at < before, deliveries.c.webhook_id.in_(held))
        )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        event=EventName(row.event),
        body=row.body,
        happened_at=row.happened_at,
        tries=row.tries,
        last_try=row.last_try,
        last_outcome=row.last_outcome,
        delivered_at=row.delivered_at,
    )
