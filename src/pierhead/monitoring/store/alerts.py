"""Rules, states and events of alerts as rows."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson
from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from pierhead.monitoring.domain.alert_records import AlertEvent, KeptAlert, KeptRule, Subject, SubjectKind
from pierhead.monitoring.domain.alert_rules import AlertRule
from pierhead.monitoring.domain.alert_yaml import read_rule, rule_json
from pierhead.monitoring.domain.alerts import AlertState
from pierhead.monitoring.store.alert_tables import alert_events as events
from pierhead.monitoring.store.alert_tables import alert_rules as rules
from pierhead.monitoring.store.alert_tables import alert_states as states

_STATE = msgspec.json.Decoder(AlertState)


class RuleStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> list[KeptRule]:
        return [_rule(row) for row in self._connection.execute(select(rules).order_by(rules.c.position))]

    def list_of(self, subject: Subject) -> list[KeptRule]:
        """In the order in which they were given."""
        query = select(rules).where(rules.c.kind == subject.kind.value, rules.c.subject == subject.id)
        return [_rule(row) for row in self._connection.execute(query.order_by(rules.c.position))]

    def find(self, rule_id: str) -> KeptRule | None:
        row = self._connection.execute(select(rules).where(rules.c.id == rule_id)).one_or_none()
        return None if row is None else _rule(row)

    def add(self, kept: KeptRule) -> None:
        self._connection.execute(
            insert(rules).values(
                id=kept.id,
                kind=kept.subject.kind.value,
                subject=kept.subject.id,
                subject_name=kept.subject.name,
                name=kept.rule.name,
                spec=_spec(kept.rule),
                created_by=kept.created_by,
                created_at=kept.created_at,
            )
        )

    def set_rule(self, rule_id: str, rule: AlertRule) -> None:
        self._connection.execute(update(rules).where(rules.c.id == rule_id).values(spec=_spec(rule), name=rule.name))

    def delete(self, rule_ids: Sequence[str]) -> None:
        """With their states."""
        self._connection.execute(delete(rules).where(rules.c.id.in_(rule_ids)))


class AlertStore:
    """States: one for each rule and series."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, fingerprint: str) -> KeptAlert | None:
        """Also by the beginning of a fingerprint, if it is that of one alert alone."""
        query = _with_rules().where(states.c.fingerprint.startswith(fingerprint, autoescape=True)).limit(2)
        found = [_alert(row) for row in self._connection.execute(query)]
        return found[0] if len(found) == 1 else None

    def list_all(self) -> list[KeptAlert]:
        """By subject and rule, in their order."""
        query = _with_rules().order_by(rules.c.position, states.c.series)
        return [_alert(row) for row in self._connection.execute(query)]

    def list_of(self, rule_id: str) -> list[KeptAlert]:
        return [_alert(row) for row in self._connection.execute(_with_rules().where(rules.c.id == rule_id))]

    def list_open(self, subject: Subject) -> list[KeptAlert]:
        query = _with_rules().where(
            rules.c.kind == subject.kind.value, rules.c.subject == subject.id, states.c.is_open.is_(True)
        )
        return [_alert(row) for row in self._connection.execute(query.order_by(rules.c.position, states.c.series))]

    def add(self, fingerprint: str, rule_id: str, series: str, state: AlertState) -> None:
        values = {"fingerprint": fingerprint, "rule_id": rule_id, "series": series, "revision": 1}
        self._connection.execute(insert(states).values(**values, **_values(state)))

    def put(self, fingerprint: str, state: AlertState, *, revision: int) -> bool:
        """Whether nobody else has changed it since it had this revision."""
        row = update(states).where(states.c.fingerprint == fingerprint, states.c.revision == revision)
        done = self._connection.execute(row.values(revision=revision + 1, **_values(state)))
        return done.rowcount == 1

    def delete_of(self, rule_ids: Sequence[str]) -> None:
        self._connection.execute(delete(states).where(states.c.rule_id.in_(rule_ids)))

    def delete(self, fingerprints: Sequence[str]) -> None:
        self._connection.execute(delete(states).where(states.c.fingerprint.in_(fingerprints)))


class EventStore:
    """What happened."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, event: AlertEvent) -> None:
        values = {field: getattr(event, field) for field in ("id", "fingerprint", "rule_id", "at", "kind", "message")}
        self._connection.execute(
            insert(events).values(**values, numbers=orjson.dumps(event.numbers).decode(), by=event.by)
        )

    def list_newest(self, fingerprint: str, limit: int) -> list[AlertEvent]:
        query = select(events).where(events.c.fingerprint == fingerprint).order_by(events.c.position.desc())
        return [_event(row) for row in self._connection.execute(query.limit(limit))]

    def delete_before(self, moment: datetime) -> None:
        self._connection.execute(delete(events).where(events.c.at < moment))


def _with_rules() -> Select[Any]:
    of_rule = (
        rules.c.kind,
        rules.c.subject,
        rules.c.subject_name,
        rules.c.spec,
        rules.c.created_by,
        rules.c.created_at,
    )
    return select(states, *of_rule).join(rules, rules.c.id == states.c.rule_id)


def _values(state: AlertState) -> dict[str, Any]:
    kept = msgspec.json.encode(state).decode()
    return {"status": state.status.value, "is_open": state.is_open, "state": kept}


def _spec(rule: AlertRule) -> str:
    return orjson.dumps(rule_json(rule)).decode()


# Rules are read at every look and hardly ever change.
@lru_cache(maxsize=5000)
def _read_spec(text: str) -> AlertRule:
    return read_rule(orjson.loads(text))


def _rule(row: Row[Any]) -> KeptRule:
    subject = Subject(SubjectKind(row.kind), row.subject, row.subject_name)
    return KeptRule(row.id, subject, _read_spec(row.spec), row.created_by, row.created_at)


def _alert(row: Row[Any]) -> KeptAlert:
    subject = Subject(SubjectKind(row.kind), row.subject, row.subject_name)
    rule = KeptRule(row.rule_id, subject, _read_spec(row.spec), row.created_by, row.created_at)
    state = _STATE.decode(row.state)
    return KeptAlert(row.fingerprint, rule, row.series, state, row.revision)


def _event(row: Row[Any]) -> AlertEvent:
    numbers = orjson.loads(row.numbers)
    return AlertEvent(row.id, row.fingerprint, row.rule_id, row.at, row.kind, row.message, numbers, row.by)
