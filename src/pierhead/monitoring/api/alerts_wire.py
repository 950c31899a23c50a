"""Alerts and their rules as JSON; moments in milliseconds since 1970."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.monitoring.domain.alert_messages import reading_json, sentence
from pierhead.monitoring.domain.alert_records import AlertEvent, Delivery, KeptAlert, KeptRule
from pierhead.monitoring.domain.alert_yaml import rule_json
from pierhead.monitoring.domain.alerts import AlertState
from pierhead.monitoring.services.alert_rules import Applied
from pierhead.monitoring.services.alert_telling import ACKNOWLEDGED, HEARD, SILENCED, Outcome

_WITHHELD = "what is measured is shown to whoever may SELECT from the table of requests, or manages the endpoint"


def alert_json(alert: KeptAlert) -> dict[str, Any]:
    return {"fingerprint": alert.fingerprint} | _state_json(alert.rule, alert.series, alert.state)


def bare_alert_json(alert: KeptAlert) -> dict[str, Any]:
    """For whoever may not read what is measured: no number, no column, no text made of them."""
    state = alert.state
    shown = replace(state, reading=None, message="")
    return alert_json(replace(alert, series="", state=shown)) | {
        "series": "",
        "message": _WITHHELD,
        "threshold": None,
        "clears_at": None,
    }


def trial_json(rule: KeptRule, outcome: Outcome, now: datetime) -> dict[str, Any]:
    """What a look would have said."""
    notice = outcome.decision.notice
    told = None if notice is None else notice.value
    return _state_json(rule, outcome.series, outcome.decision.after) | {"notice": told, "at": to_ms(now)}


def rule_body(kept: KeptRule) -> dict[str, Any]:
    return {
        "id": kept.id,
        "subject": _subject_json(kept),
        "created_by": kept.created_by,
        "created_at": to_ms(kept.created_at),
        "spec": rule_json(kept.rule),
    }


def bare_rule_body(kept: KeptRule) -> dict[str, Any]:
    """As `bare_alert_json`. Without the id too: with it, a guessed column is known by its alert's fingerprint."""
    rule = kept.rule
    spec = {"name": rule.name, "metric": str(rule.metric), "severity": rule.severity.value}
    return {key: value for key, value in rule_body(kept).items() if key != "id"} | {"spec": spec, "withheld": _WITHHELD}


def bare_event_json(event: AlertEvent) -> dict[str, Any]:
    """As `bare_alert_json`: what people said is theirs, what the platform said is made of numbers."""
    said = event.message if event.kind in (ACKNOWLEDGED, SILENCED, HEARD) else ""
    return event_json(replace(event, message=said, numbers={}))


def event_json(event: AlertEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": to_ms(event.at),
        "kind": event.kind,
        "message": event.message,
        "by": event.by,
        **event.numbers,
    }


def delivery_json(delivery: Delivery, destination: str | None) -> dict[str, Any]:
    waits = "WAITING" if delivery.ended_at is None else "GIVEN_UP"
    return {
        "id": delivery.id,
        "destination_id": delivery.destination_id,
        "destination": destination,
        "subject": delivery.subject,
        "state": "DELIVERED" if delivery.is_delivered else waits,
        "tries": delivery.tries,
        "last_outcome": delivery.last_outcome,
        "happened_at": to_ms(delivery.happened_at),
    }


def applied_json(applied: Applied) -> dict[str, Any]:
    return {
        "added": list(applied.added),
        "changed": list(applied.changed),
        "removed": list(applied.removed),
        "unknown_destinations": list(applied.unknown_destinations),
    }


def _state_json(rule: KeptRule, series: str, state: AlertState) -> dict[str, Any]:
    return {
        "subject": _subject_json(rule),
        "rule": rule.rule.name,
        "severity": rule.rule.severity.value,
        "series": series,
        "status": state.status.value,
        "is_open": state.is_open,
        "since": to_ms(state.since),
        "message": sentence(rule.rule, series, state),
        "metric": str(rule.rule.metric),
        "threshold": rule.rule.limit.threshold,
        "side": rule.rule.limit.side.value,
        "clears_at": rule.rule.limit.clear_value,
        "violating": state.violating,
        "of": state.of,
        "acknowledged_by": state.acked_by or None,
        "silenced_until": _ms(state.silenced_until),
        "triggered_at": _ms(state.triggered_at),
        "notified_at": _ms(state.notified_at),
        **reading_json(state.reading),
    }


def _subject_json(kept: KeptRule) -> dict[str, str]:
    return {"kind": kept.subject.kind.value, "name": kept.subject.name, "id": kept.subject.id}


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else to_ms(moment)
