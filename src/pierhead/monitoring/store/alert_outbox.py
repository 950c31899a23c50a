"""Destinations, what waits to be told to them, and what waits to be done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from pierhead.monitoring.domain.alert_records import AskedAction, Delivery, Freeze
from pierhead.monitoring.domain.alert_rules import ActionKind
from pierhead.monitoring.domain.destinations import Destination, DestinationKind
from pierhead.monitoring.store.alert_tables import alert_actions as actions
from pierhead.monitoring.store.alert_tables import alert_deliveries as deliveries
from pierhead.monitoring.store.alert_tables import alert_destinations as destinations
from pierhead.monitoring.store.alert_tables import alert_freezes as freezes


class DestinationStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> list[Destination]:
        """By name."""
        return [
            _destination(row) for row in self._connection.execute(select(destinations).order_by(destinations.c.name))
        ]

    def find(self, id_or_name: str) -> Destination | None:
        query = select(destinations).where((destinations.c.id == id_or_name) | (destinations.c.name == id_or_name))
        # An id wins over a name that looks like it.
        found = sorted(map(_destination, self._connection.execute(query)), key=lambda each: each.id != id_or_name)
        return found[0] if found else None

    def add(self, destination: Destination) -> None:
        self._connection.execute(insert(destinations).values(id=destination.id, **_destination_values(destination)))

    def put(self, destination: Destination) -> None:
        row = update(destinations).where(destinations.c.id == destination.id)
        self._connection.execute(row.values(**_destination_values(destination)))

    def delete(self, destination_id: str) -> None:
        """With all that waits for it."""
        self._connection.execute(delete(destinations).where(destinations.c.id == destination_id))


class DeliveryStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, delivery: Delivery) -> None:
        self._connection.execute(
            insert(deliveries).values(
                id=delivery.id,
                destination_id=delivery.destination_id,
                rule_id=delivery.rule_id,
                subject=delivery.subject,
                body=delivery.body,
                happened_at=delivery.happened_at,
                tries=0,
                is_delivered=False,
            )
        )

    def due(self, now: datetime) -> list[Delivery]:
        """What each destination has to hear next, as far as it is time for another try."""
        first = (
            select(func.min(deliveries.c.position))
            .where(deliveries.c.ended_at.is_(None))
            .group_by(deliveries.c.destination_id)
        )
        is_time = deliveries.c.next_try.is_(None) | (deliveries.c.next_try <= now)
        query = select(deliveries).where(deliveries.c.position.in_(first), is_time).order_by(deliveries.c.position)
        return [_delivery(row) for row in self._connection.execute(query)]

    def list_of_rule(self, rule_id: str, limit: int) -> list[Delivery]:
        """The newest first."""
        query = select(deliveries).where(deliveries.c.rule_id == rule_id).order_by(deliveries.c.position.desc())
        return [_delivery(row) for row in self._connection.execute(query.limit(limit))]

    def set_delivered(self, delivery: Delivery, outcome: str, now: datetime) -> None:
        self._set(delivery, {"last_outcome": outcome, "ended_at": now, "is_delivered": True}, now)

    def set_failed(self, delivery: Delivery, outcome: str, now: datetime, next_try: datetime | None) -> None:
        """`next_try` None gives it up."""
        ended_at = now if next_try is None else None
        self._set(delivery, {"last_outcome": outcome, "next_try": next_try, "ended_at": ended_at}, now)

    def delete_ended(self, before: datetime) -> None:
        self._connection.execute(delete(deliveries).where(deliveries.c.ended_at < before))

    def _set(self, delivery: Delivery, values: dict[str, Any], now: datetime) -> None:
        row = update(deliveries).where(deliveries.c.id == delivery.id, deliveries.c.ended_at.is_(None))
        self._connection.execute(
            row.values(tries=deliveries.c.tries + 1, first_try=delivery.first_try or now, **values)
        )


class ActionStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, asked: AskedAction) -> None:
        """Its position is given by the database."""
        self._connection.execute(
            insert(actions).values(
                rule_id=asked.rule_id,
                fingerprint=asked.fingerprint,
                endpoint_id=asked.endpoint_id,
                kind=asked.kind.value,
                reason=asked.reason,
                asked_at=asked.asked_at,
            )
        )

    def list_open(self, limit: int) -> list[AskedAction]:
        query = select(actions).where(actions.c.done_at.is_(None)).order_by(actions.c.position).limit(limit)
        return [_action(row) for row in self._connection.execute(query)]

    def set_done(self, position: int, outcome: str, now: datetime) -> bool:
        """Whether it was not done before."""
        row = update(actions).where(actions.c.position == position, actions.c.done_at.is_(None))
        return self._connection.execute(row.values(done_at=now, outcome=outcome)).rowcount == 1

    def delete_done(self, before: datetime) -> None:
        self._connection.execute(delete(actions).where(actions.c.done_at < before))


class FreezeStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> list[Freeze]:
        query = select(freezes).order_by(freezes.c.since, freezes.c.fingerprint)
        return [
            Freeze(row.fingerprint, row.model_name, row.message, row.since) for row in self._connection.execute(query)
        ]

    def put(self, freeze: Freeze) -> None:
        self.delete([freeze.fingerprint], freeze.model_name)
        self._connection.execute(
            insert(freezes).values(
                fingerprint=freeze.fingerprint,
                model_name=freeze.model_name,
                message=freeze.message,
                since=freeze.since,
            )
        )

    def delete(self, fingerprints: Sequence[str], model_name: str | None = None) -> None:
        row = delete(freezes).where(freezes.c.fingerprint.in_(fingerprints))
        self._connection.execute(row if model_name is None else row.where(freezes.c.model_name == model_name))


def _destination_values(destination: Destination) -> dict[str, Any]:
    return {
        "name": destination.name,
        "kind": destination.kind.value,
        "url": destination.url,
        "addresses": orjson.dumps(destination.addresses).decode(),
        "sealed": orjson.dumps(dict(destination.sealed)).decode(),
        "created_by": destination.created_by,
        "created_at": destination.created_at,
    }


def _destination(row: Row[Any]) -> Destination:
    return Destination(
        id=row.id,
        name=row.name,
        kind=DestinationKind(row.kind),
        created_by=row.created_by,
        created_at=row.created_at,
        url=row.url,
        addresses=tuple(orjson.loads(row.addresses)),
        sealed=orjson.loads(row.sealed),
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        destination_id=row.destination_id,
        rule_id=row.rule_id,
        subject=row.subject,
        body=row.body,
        happened_at=row.happened_at,
        tries=row.tries,
        first_try=row.first_try,
        last_outcome=row.last_outcome,
        ended_at=row.ended_at,
        is_delivered=row.is_delivered,
    )


def _action(row: Row[Any]) -> AskedAction:
    return AskedAction(
        row.position, row.rule_id, row.fingerprint, row.endpoint_id, ActionKind(row.kind), row.reason, row.asked_at
    )
