"""Telling of what happened: kept in the transaction in which it happens, and made into deliveries afterwards."""

from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection

from pierhead.kit.clock import Clock, to_ms
from pierhead.kit.ids import new_id
from pierhead.kit.outbox import Message, Outbox
from pierhead.registry.domain.events import EventKind, RegistryEvent, names_of
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.webhook_bodies import body_of
from pierhead.registry.domain.webhooks import Delivery
from pierhead.registry.store.webhook_deliveries import DeliveryStore
from pierhead.registry.store.webhooks import WebhookStore

TOPIC = "registry"

log = structlog.get_logger()


class Events:
    """Within the caller's transaction; webhooks are sent after it has committed."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._outbox = Outbox(connection)
        self._clock = clock

    def emit(self, event: RegistryEvent) -> None:
        fields = {key: value.value if isinstance(value, Enum) else value for key, value in asdict(event).items()}
        self._outbox.add(TOPIC, fields, self._clock.now())


def is_spread_due(connection: Connection) -> bool:
    """Whether there are events that nobody has spread yet."""
    return bool(Outbox(connection).list(TOPIC, 1))


def spread(connection: Connection, limit: int) -> int:
    """Make deliveries of the oldest events for whoever subscribed to them; how many events there were.

    All in the caller's transaction: an event is either still in the outbox or with everybody who shall hear of it.
    """
    outbox = Outbox(connection)
    messages = outbox.list(TOPIC, limit)
    for message in messages:
        try:
            event = event_of(message.payload)
        except (KeyError, TypeError, ValueError):
            # Kept, it would hold back all events after it for ever.
            log.exception("an event that cannot be read is left out", message=message.id)
            continue
        _deliver(connection, event, message)
    if messages:
        outbox.delete(messages)
    return len(messages)


def event_of(payload: Mapping[str, Any]) -> RegistryEvent:
    """What `Events.emit` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    stages = {key: None if payload[key] is None else Stage(payload[key]) for key in ("from_stage", "to_stage")}
    return RegistryEvent(**{**payload, **stages, "kind": EventKind(payload["kind"])})


def _deliver(connection: Connection, event: RegistryEvent, message: Message) -> None:
    deliveries = DeliveryStore(connection)
    happened_at_ms = to_ms(message.created_at)
    for webhook_id, name in WebhookStore(connection).subscribers(event.model_id, names_of(event.kind, event.to_stage)):
        body = orjson.dumps(body_of(event, name, webhook_id, happened_at_ms)).decode()
        deliveries.add(Delivery(new_id(), webhook_id, name, body, message.created_at))
