"""Webhooks as rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, or_, select, update

from pierhead.registry.domain.events import EventName
from pierhead.registry.domain.webhooks import Destination, Trouble, Webhook, WebhookStatus
from pierhead.registry.store.chunks import chunks
from pierhead.registry.store.tables import registered_models as models
from pierhead.registry.store.webhook_tables import registry_webhook_deliveries as deliveries
from pierhead.registry.store.webhook_tables import registry_webhook_events as events
from pierhead.registry.store.webhook_tables import registry_webhooks as webhooks


class WebhookStore:
    """Rows to domain objects and back; never commits. Who has lost their model is no longer listed or found."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, webhook: Webhook) -> None:
        row = insert(webhooks).values(
            id=webhook.id,
            model_id=webhook.model_id,
            creator=webhook.creator,
            created_at=webhook.created_at,
            **_settings(webhook),
            **_trouble(webhook.trouble),
        )
        self._connection.execute(row)
        self._add_events(webhook)

    def update(self, webhook: Webhook) -> None:
        """What people set of it; how it fares stays as it is."""
        self._connection.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(**_settings(webhook)))
        self._connection.execute(delete(events).where(events.c.webhook_id == webhook.id))
        self._add_events(webhook)

    def set_trouble(self, webhook_id: str, trouble: Trouble) -> None:
        self._connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(**_trouble(trouble)))

    def set_status(self, webhook_id: str, status: WebhookStatus, now: datetime) -> None:
        row = update(webhooks).where(webhooks.c.id == webhook_id)
        self._connection.execute(row.values(status=status.value, updated_at=now))

    def delete(self, webhook_ids: Sequence[str]) -> None:
        """With everything that waits for them."""
        self._connection.execute(delete(webhooks).where(webhooks.c.id.in_(webhook_ids)))

    def find(self, webhook_id: str) -> Webhook | None:
        found = self._load(_listed().where(webhooks.c.id == webhook_id))
        return found[0][1] if found else None

    def find_any(self, webhook_id: str) -> Webhook | None:
        """As `find`, also for one whose model is gone."""
        found = self._load(_all().where(webhooks.c.id == webhook_id))
        return found[0][1] if found else None

    def find_locked(self, webhook_id: str) -> Webhook | None:
        """As `find_any`; nobody else changes it until the transaction ends."""
        query = select(webhooks.c.id).where(webhooks.c.id == webhook_id).with_for_update()
        self._connection.execute(query)
        return self.find_any(webhook_id)

    def count(self, model_id: str | None) -> int:
        query = select(func.count()).select_from(webhooks).where(webhooks.c.model_id == model_id)
        return int(self._connection.execute(query).scalar_one())

    def page(
        self, model_id: str | None, names: Sequence[EventName], after: int, limit: int
    ) -> list[tuple[int, Webhook]]:
        """Webhooks of one model, or all, that subscribe to one of these events, or any; with their positions."""
        query = _listed().where(webhooks.c.position > after).order_by(webhooks.c.position).limit(limit)
        if model_id is not None:
            query = query.where(webhooks.c.model_id == model_id)
        if names:
            wanted = events.c.event.in_([name.value for name in names])
            query = query.where(exists().where(events.c.webhook_id == webhooks.c.id, wanted))
        return self._load(query)

    def subscribers(self, model_id: str, names: Sequence[EventName]) -> list[tuple[str, EventName]]:
        """Ids of ACTIVE webhooks that hear of this model, once for each of the names that they subscribed to."""
        query = (
            select(webhooks.c.id, events.c.event)
            .join(events, events.c.webhook_id == webhooks.c.id)
            .where(
                webhooks.c.status == WebhookStatus.ACTIVE.value,
                or_(webhooks.c.model_id.is_(None), webhooks.c.model_id == model_id),
                events.c.event.in_([name.value for name in names]),
            )
            .order_by(webhooks.c.position)
        )
        found = [(row.id, EventName(row.event)) for row in self._connection.execute(query)]
        # The general name before the special one.
        return [(id, name) for name in names for id, named in found if named is name]

    def due(self, now: datetime) -> list[tuple[str, int]]:
        """Ids of ACTIVE webhooks that something waits for and that may be tried now, with their failures in a row; the
        fewest failures first."""
        query = (
            select(webhooks.c.id, webhooks.c.failures)
            .where(
                webhooks.c.status == WebhookStatus.ACTIVE.value,
                or_(webhooks.c.next_try.is_(None), webhooks.c.next_try <= now),
                _something_waits(),
            )
            .order_by(webhooks.c.failures, webhooks.c.position)
        )
        return [(row.id, row.failures) for row in self._connection.execute(query)]

    def list_orphans(self) -> list[str]:
        """Ids of webhooks whose model is gone."""
        gone = ~exists().where(models.c.id == webhooks.c.model_id)
        query = select(webhooks.c.id).where(webhooks.c.model_id.is_not(None), gone)
        return list(self._connection.execute(query).scalars())

    def delete_idle(self, webhook_ids: Sequence[str]) -> None:
        """Those among them that nothing waits for."""
        for some in chunks(webhook_ids):
            self._connection.execute(delete(webhooks).where(webhooks.c.id.in_(some), ~_something_waits()))

    def _add_events(self, webhook: Webhook) -> None:
        rows = [{"webhook_id": webhook.id, "event": event.value} for event in webhook.events]
        self._connection.execute(insert(events), rows)

    def _load(self, query: Select[Any]) -> list[tuple[int, Webhook]]:
        rows = list(self._connection.execute(query))
        subscribed: dict[str, set[str]] = {row.id: set() for row in rows}
        for some in chunks(list(subscribed)):
            for row in self._connection.execute(select(events).where(events.c.webhook_id.in_(some))):
                subscribed[row.webhook_id].add(row.event)
        return [(row.position, _webhook(row, subscribed[row.id])) for row in rows]


def _all() -> Select[Any]:
    joined = webhooks.outerjoin(models, models.c.id == webhooks.c.model_id)
    return select(webhooks, models.c.name.label("model_name")).select_from(joined)


def _listed() -> Select[Any]:
    return _all().where(or_(webhooks.c.model_id.is_(None), models.c.id.is_not(None)))


def _something_waits() -> Any:
    return exists().where(deliveries.c.webhook_id == webhooks.c.id, deliveries.c.delivered_at.is_(None))


def _settings(webhook: Webhook) -> Mapping[str, Any]:
    return {
        "description": webhook.description,
        "url": webhook.destination.url,
        "verifies_tls": webhook.destination.verifies_tls,
        "reaches_private": webhook.destination.reaches_private,
        "sealed_secret": webhook.destination.sealed_secret,
        "sealed_authorization": webhook.destination.sealed_authorization,
        "status": webhook.status.value,
        "updated_at": webhook.updated_at,
    }


def _trouble(trouble: Trouble) -> Mapping[str, Any]:
    return {
        "failures": trouble.failures,
        "failing_since": trouble.since,
        "next_try": trouble.next_try,
        "disabled_because": trouble.disabled_because,
    }


def _webhook(row: Row[Any], subscribed: set[str]) -> Webhook:
    return Webhook(
        id=row.id,
        model_id=row.model_id,
        model_name=row.model_name,
        description=row.description,
        events=tuple(event for event in EventName if event.value in subscribed),
        destination=Destination(
            row.url, row.verifies_tls, row.reaches_private, row.sealed_secret, row.sealed_authorization
        ),
        status=WebhookStatus(row.status),
        creator=row.creator,
        created_at=row.created_at,
        updated_at=row.updated_at,
        trouble=Trouble(row.failures, row.failing_since, row.next_try, row.disabled_because),
    )
