"""`/2.0/pierhead/alerts*`: rules, what they found, and what people do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.clock import Clock, from_ms
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.api import alerts_wire as wire
from pierhead.monitoring.api.alert_rights import AlertRights, OwnerOf
from pierhead.monitoring.domain.alert_records import KeptAlert, KeptRule, Subject, SubjectKind
from pierhead.monitoring.domain.alert_yaml import RuleSet, parse_rules, rules_yaml
from pierhead.monitoring.services.alert_looks import judged, read_series
from pierhead.monitoring.services.alert_metrics import AlertMetrics
from pierhead.monitoring.services.alert_rules import AlertRules, endpoint_subject, table_subject
from pierhead.monitoring.store.alert_outbox import DeliveryStore, DestinationStore
from pierhead.monitoring.store.alerts import AlertStore
from pierhead.serving.store.endpoints import EndpointStore

_ROOT = "/2.0/pierhead/alerts"
_RULES = f"{_ROOT}/rules"
_ONE = _ROOT + "/{fingerprint}"
_EVENTS, _DELIVERIES = 50, 10


@dataclass(frozen=True, slots=True)
class AlertDoors:
    """What the calls work with."""

    database: Database
    clock: Clock
    metrics: AlertMetrics
    owner_of: OwnerOf


def add_routes(routes: Routes, doors: AlertDoors) -> None:
    calls = AlertCalls(doors)
    # Before those that take a fingerprint.
    routes.add("GET", _RULES, calls.rules, guard=_anybody)
    routes.add("POST", _RULES + "/apply", calls.apply, guard=_anybody)
    routes.add_plain("POST", _RULES + "/test", calls.test)
    routes.add("POST", _RULES + "/send-test", calls.send_test, guard=_anybody)
    routes.add("GET", _ROOT, calls.list, guard=_anybody)
    routes.add("GET", _ONE, calls.get, guard=_anybody)
    routes.add("POST", _ONE + "/ack", calls.acknowledge, guard=_anybody)
    routes.add("POST", _ONE + "/silence", calls.silence, guard=_anybody)


class AlertCalls:
    """Handlers: who may see what a rule is about may see its alerts, who may manage it may act on them.
    What they tell of values is left out for whoever may not read those."""

    def __init__(self, doors: AlertDoors) -> None:
        self._doors = doors

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        """`endpoint`, `table`, `status` and `rule` narrow it."""
        rights = self._rights(call, connection)
        status, rule = call.find_text("status"), call.find_text("rule")
        named = {call.find_text("endpoint"), call.find_text("table")} - {None}
        found = [
            alert
            for alert in self._rules(connection).list_alerts()
            if (not named or alert.rule.subject.name in named)
            and status in (None, alert.state.status.value)
            and rule in (None, alert.rule.rule.name)
        ]
        seen = [alert for alert in found if rights.may(Action.READ, alert.rule.subject)]
        return {"alerts": [_alert(alert, rights) for alert in seen]}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        rules = self._rules(connection)
        alert = rules.get(call.text("fingerprint"))
        rights = self._rights(call, connection)
        rights.require(Action.READ, alert.rule.subject)
        events = rules.events(alert.fingerprint, _EVENTS)
        deliveries = DeliveryStore(connection).list_of_rule(alert.rule.id, _DELIVERIES)
        names = {each.id: each.name for each in DestinationStore(connection).list_all()}
        told = [wire.delivery_json(each, names.get(each.destination_id)) for each in deliveries]
        if not rights.sees_numbers(alert.rule.subject, alert.rule.rule):
            return {
                "alert": wire.bare_alert_json(alert),
                "rule": wire.bare_rule_body(alert.rule),
                "events": [wire.bare_event_json(each) for each in events],
                "deliveries": [each | {"subject": ""} for each in told],
            }
        return {
            "alert": wire.alert_json(alert),
            "rule": wire.rule_body(alert.rule),
            "events": [wire.event_json(each) for each in events],
            "deliveries": told,
        }

    def acknowledge(self, call: Call, connection: Connection) -> dict[str, Any]:
        rules = self._rules(connection)
        alert = rules.get(call.text("fingerprint"))
        rights = self._rights(call, connection)
        rights.require(Action.MANAGE, alert.rule.subject)
        reason = call.find_text("reason") or ""
        done = rules.acknowledge(alert.fingerprint, by=call.caller.user_name, reason=reason)
        return {"alert": _alert(done, rights)}

    def silence(self, call: Call, connection: Connection) -> dict[str, Any]:
        """`until` in milliseconds, or `minutes`; 0 minutes end a silence."""
        rules = self._rules(connection)
        alert = rules.get(call.text("fingerprint"))
        rights = self._rights(call, connection)
        rights.require(Action.MANAGE, alert.rule.subject)
        done = rules.silence(
            alert.fingerprint,
            until=_until(call, self._doors.clock.now()),
            by=call.caller.user_name,
            reason=call.find_text("reason") or "",
        )
        return {"alert": _alert(done, rights)}

    def rules(self, call: Call, connection: Connection) -> dict[str, Any]:
        """Those of `endpoint` or `table`, as YAML too; or all that the caller may see."""
        if call.find_text("endpoint") or call.find_text("table"):
            subject = self._subject(call.find_text("endpoint") or "", call.find_text("table") or "", connection)
            rights = self._rights(call, connection)
            rights.require(Action.READ, subject)
            kept = self._rules(connection).list_rules(subject)
            shown = [each for each in kept if rights.sees_numbers(subject, each.rule)]
            content = _content(subject, shown)
            if len(shown) < len(kept):
                content += f"# {len(kept) - len(shown)} more on values that you may not read\n"
            return {"rules": [_rule(each, rights) for each in kept], "content": content}
        rights = self._rights(call, connection)
        every = self._rules(connection).list_rules()
        return {"rules": [_rule(each, rights) for each in every if rights.may(Action.READ, each.subject)]}

    def apply(self, call: Call, connection: Connection) -> dict[str, Any]:
        """`content` is YAML; the endpoint or table that it names has these rules from now on, and no others."""
        wanted = parse_rules(call.text("content").encode())
        subject = self._subject(wanted.endpoint, wanted.table, connection)
        rights = self._rights(call, connection)
        rights.require(Action.MANAGE, subject)
        for rule in wanted.rules:
            rights.require_numbers(subject, rule)
        rules = self._rules(connection)
        applied = rules.apply(subject, wanted, by=call.caller.user_name)
        return wire.applied_json(applied) | {"content": _content(subject, rules.list_rules(subject))}

    def test(self, call: Call) -> dict[str, Any]:
        """What rules would say now: those in `content`, or those that `endpoint` or `table` has. Nothing is kept."""
        content = call.find_text("content")
        with self._doors.database.reading() as connection:
            wanted = None if content is None else parse_rules(content.encode())
            endpoint = wanted.endpoint if wanted else call.find_text("endpoint") or ""
            table = wanted.table if wanted else call.find_text("table") or ""
            subject = self._subject(endpoint, table, connection)
            rights = self._rights(call, connection)
            rights.require(Action.READ, subject)
            kept = self._rules(connection).list_rules(subject)
            for rule in wanted.rules if wanted else [each.rule for each in kept]:
                rights.require_numbers(subject, rule)
            known = {rule.id: AlertStore(connection).list_of(rule.id) for rule in kept}
        now = self._doors.clock.now()
        if wanted is not None:
            kept = [KeptRule("", subject, rule, call.caller.user_name, now) for rule in wanted.rules]
        tried = [
            wire.trial_json(rule, outcome, now)
            for rule in kept
            for outcome in judged(rule, known.get(rule.id, ()), read_series(self._doors.metrics, rule, now), now)
        ]
        return {"alerts": tried}

    def send_test(self, call: Call, connection: Connection) -> dict[str, Any]:
        """Tell the destinations of `rule` of `endpoint` or `table` that this is a test."""
        subject = self._subject(call.find_text("endpoint") or "", call.find_text("table") or "", connection)
        self._require(call, connection, Action.MANAGE, subject)
        rules = self._rules(connection)
        kept = next((each for each in rules.list_rules(subject) if each.rule.name == call.text("rule")), None)
        if kept is None:
            raise NotFound(f"{subject} has no rule {call.text('rule')!r}")
        return {"sent": rules.send_test(kept)}

    def _rules(self, connection: Connection) -> AlertRules:
        return AlertRules(connection, self._doors.clock)

    def _require(self, call: Call, connection: Connection, action: Action, subject: Subject) -> None:
        self._rights(call, connection).require(action, subject)

    def _rights(self, call: Call, connection: Connection) -> AlertRights:
        return AlertRights(connection, call.caller, self._doors.owner_of)

    def _subject(self, endpoint: str, table: str, connection: Connection) -> Subject:
        if bool(endpoint) == bool(table):
            raise InvalidArgument("name either `endpoint` or `table`")
        if table:
            self._doors.owner_of(connection, FullName.parse(table))
            return table_subject(table)
        found = EndpointStore(connection).find(endpoint)
        if found is None:
            raise NotFound(f"endpoint {endpoint!r} does not exist")
        return endpoint_subject(found)


def _alert(alert: KeptAlert, rights: AlertRights) -> dict[str, Any]:
    sees = rights.sees_numbers(alert.rule.subject, alert.rule.rule)
    return wire.alert_json(alert) if sees else wire.bare_alert_json(alert)


def _rule(kept: KeptRule, rights: AlertRights) -> dict[str, Any]:
    return wire.rule_body(kept) if rights.sees_numbers(kept.subject, kept.rule) else wire.bare_rule_body(kept)


def _content(subject: Subject, kept: list[KeptRule]) -> str:
    is_table = subject.kind is SubjectKind.TABLE
    rules = tuple(each.rule for each in kept)
    return rules_yaml(RuleSet("" if is_table else subject.name, subject.id if is_table else "", rules))


def _until(call: Call, now: datetime) -> datetime | None:
    if call.params.get("until") is not None:
        return from_ms(call.number("until", 0))
    minutes = call.number("minutes", -1)
    if minutes < 0:
        raise InvalidArgument("say how long: `minutes`, or `until` in milliseconds since 1970; 0 minutes end a silence")
    return now + timedelta(minutes=minutes) if minutes else None


def _anybody(_call: Call, _connection: Connection) -> None:
    """Guard of calls that ask for rights themselves, once they know what they are about."""
