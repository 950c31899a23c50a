"""From decisions to what is written of them: states, events, messages for destinations, and actions that wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection

from pierhead.kit.clock import to_ms
from pierhead.kit.errors import Conflict
from pierhead.kit.ids import new_id
from pierhead.monitoring.domain.alert_messages import (
    Message,
    Told,
    bare_sentence,
    reading_json,
    sentence,
    slack_json,
    text_of,
    title_of,
    webhook_json,
)
from pierhead.monitoring.domain.alert_records import (
    AlertEvent,
    AskedAction,
    Delivery,
    KeptAlert,
    KeptRule,
    SubjectKind,
)
from pierhead.monitoring.domain.alert_rules import ActionKind
from pierhead.monitoring.domain.alerts import AlertDecision, Notice, fingerprint
from pierhead.monitoring.domain.destinations import DEFAULT_NAME, Destination, DestinationKind
from pierhead.monitoring.store.alert_outbox import ActionStore, DeliveryStore, DestinationStore
from pierhead.monitoring.store.alerts import AlertStore, EventStore

ACKNOWLEDGED, SILENCED, HEARD = "ACKNOWLEDGED", "SILENCED", "HEARD_AGAIN"
"""Kinds of events that people cause."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision about one series of a rule; `kept` is None for one that is seen for the first time."""

    series: str
    kept: KeptAlert | None
    decision: AlertDecision

    @property
    def is_news(self) -> bool:
        return self.kept is None or self.decision.after != self.decision.before


@dataclass(frozen=True, slots=True)
class Wording:
    """What the owner of an alert says instead of our words, as templates that were filled in."""

    summary: str = ""
    description: str = ""


PLAIN = Wording()


def write_outcomes(
    connection: Connection,
    rule: KeptRule,
    outcomes: Sequence[Outcome],
    now: datetime,
    wording: Wording = PLAIN,
) -> int:
    """Everything that comes of a look at one rule; how many messages wait to be delivered.

    Raises Conflict if somebody changed one of the alerts since it was read.
    """
    events: dict[str, str] = {}
    for outcome in outcomes:
        if outcome.is_news:
            events[outcome.series] = _write_state(connection, rule, outcome, now)
    sent = 0
    for notice in Notice:
        about = [outcome for outcome in outcomes if outcome.decision.notice is notice]
        if about:
            message = Message(
                notice,
                rule.rule,
                str(rule.subject),
                tuple(_told(rule, outcome, events) for outcome in sorted(about, key=_how_bad, reverse=True)),
                wording.summary,
                wording.description,
            )
            sent += write_message(connection, rule, message, now)
    return sent


def write_message(connection: Connection, rule: KeptRule, message: Message, now: datetime) -> int:
    """A delivery for each destination of the rule; how many."""
    found = destinations_of(connection, rule)
    _write_deliveries(connection, rule, message, found, now)
    return len(found)


def destinations_of(connection: Connection, rule: KeptRule) -> list[Destination]:
    """Where the rule's alerts are told; names that mean nothing are left out."""
    store = DestinationStore(connection)
    names = rule.rule.telling.notify or (DEFAULT_NAME,)
    found = {each.id: each for name in names if (each := store.find(name)) is not None}
    return list(found.values())


def render(destination: Destination, message: Message, delivery_id: str, now: datetime) -> str:
    """The body for this kind of destination."""
    match destination.kind:
        case DestinationKind.WEBHOOK:
            return orjson.dumps(webhook_json(message, delivery_id, to_ms(now))).decode()
        case DestinationKind.SLACK:
            return orjson.dumps(slack_json(message)).decode()
        case DestinationKind.EMAIL:
            return text_of(message)


def _write_deliveries(
    connection: Connection, rule: KeptRule, message: Message, found: Sequence[Destination], now: datetime
) -> None:
    store = DeliveryStore(connection)
    for destination in found:
        delivery_id = new_id()
        body = render(destination, message, delivery_id, now)
        store.add(Delivery(delivery_id, destination.id, rule.id, title_of(message), body, now))


def _write_state(connection: Connection, rule: KeptRule, outcome: Outcome, now: datetime) -> str:
    """The id of the event that was written, empty if the alert shows the same as before."""
    store, decision = AlertStore(connection), outcome.decision
    id = fingerprint(rule.id, outcome.series)
    if outcome.kept is None:
        store.add(id, rule.id, outcome.series, decision.after)
    elif not store.put(id, decision.after, revision=outcome.kept.revision):
        raise Conflict(f"alert {id} was changed meanwhile")
    if not decision.is_turn:
        return ""
    event = AlertEvent(
        new_id(),
        id,
        rule.id,
        now,
        decision.after.status.value,
        sentence(rule.rule, outcome.series, decision.after),
        reading_json(decision.after.reading),
    )
    EventStore(connection).add(event)
    if decision.is_trigger:
        _ask_actions(connection, rule, outcome, event, now)
    return event.id


def _ask_actions(connection: Connection, rule: KeptRule, outcome: Outcome, event: AlertEvent, now: datetime) -> None:
    id = event.fingerprint
    endpoint_id = rule.subject.id if rule.subject.kind is SubjectKind.ENDPOINT else ""
    for action in rule.rule.actions:
        title = f"alert {rule.rule.name} of {rule.subject}"
        if action.kind is ActionKind.CALL_WEBHOOK:
            _call_webhook(connection, rule, action.target, f"{title}: {event.message}", event, now)
        else:
            # Rollouts and the gate show it to people who may not read the values that were measured.
            said = bare_sentence(rule.rule, outcome.series, outcome.decision.after)
            reason = f"{title}: {said}; pierhead alerts show {id[:12]}"
            asked = AskedAction(0, rule.id, id, endpoint_id, action.kind, reason, now)
            ActionStore(connection).add(asked)


def _call_webhook(
    connection: Connection, rule: KeptRule, target: str, reason: str, event: AlertEvent, now: datetime
) -> None:
    """It goes the way of messages: at least once, signed."""
    destination = DestinationStore(connection).find(target)
    if destination is None or destination.kind is not DestinationKind.WEBHOOK:
        note = AlertEvent(
            new_id(), event.fingerprint, rule.id, now, "ACTION_FAILED", f"there is no webhook {target!r} to call"
        )
        EventStore(connection).add(note)
        return
    delivery_id = new_id()
    body: Mapping[str, object] = {
        "event_id": delivery_id,
        "event": "alert.action",
        "timestamp_ms": to_ms(now),
        "rule": rule.rule.name,
        "subject": str(rule.subject),
        "fingerprint": event.fingerprint,
        "reason": reason,
        **event.numbers,
    }
    delivery = Delivery(delivery_id, destination.id, rule.id, reason, orjson.dumps(body).decode(), now)
    DeliveryStore(connection).add(delivery)


def _told(rule: KeptRule, outcome: Outcome, events: Mapping[str, str]) -> Told:
    id = fingerprint(rule.id, outcome.series)
    return Told(id, events.get(outcome.series, ""), outcome.series, outcome.decision.after)


def _how_bad(outcome: Outcome) -> float:
    reading = outcome.decision.after.reading
    return abs(reading.value) if reading is not None and reading.value is not None else 0.0
