"""`/2.0/pierhead/alerts*`: rules, what they found, and what people do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Asset, Kind, Platform
from pierhead.identity.services.access import Access
from pierhead.kit.clock import Clock, from_ms
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.api import alerts_wire as wire
from pierhead.monitoring.domain.alert_records import KeptRule, Subject, SubjectKind
from pierhead.monitoring.domain.alert_yaml import RuleSet, parse_rules, rules_yaml
from pierhead.monitoring.services.alert_looks import judged, read_series
from pierhead.monitoring.services.alert_metrics import AlertMetrics
from pierhead.monitoring.services.alert_rules import AlertRules, endpoint_subject, table_subject
from pierhead.monitoring.store.alert_outbox import DeliveryStore, DestinationStore
from pierhead.monitoring.store.alert_queries import QueryStore
from pierhead.monitoring.store.alerts import AlertStore
from pierhead.serving.api.guards import target_of
from pierhead.serving.store.endpoints import EndpointStore

_ROOT = "/2.0/pierhead/alerts"
_RULES = f"{_ROOT}/rules"
_ONE = _ROOT + "/{fingerprint}"
_EVENTS, _DELIVERIES = 50, 10

OwnerOf = Callable[[Connection, FullName], str | None]
"""The owner of a table. Raises NotFound."""


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
    """Handlers: who may see what a rule is about may see its alerts, who may manage it may act on them."""

    def __init__(self, doors: AlertDoors) -> None:
        self._doors = doors

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        """`endpoint`, `table`, `status` and `rule` narrow it."""
        rights = _Rights(connection, call, self._doors.owner_of)
        status, rule = call.find_text("status"), call.find_text("rule")
        named = {call.find_text("endpoint"), call.find_text("table")} - {None}
        found = [
            alert
            for alert in self._rules(connection).list_alerts()
            if (not named or alert.rule.subject.name in named)
            and status in (None, alert.state.status.value)
            and rule in (None, alert.rule.rule.name)
        ]
        return {"alerts": [wire.alert_json(alert) for alert in found if rights.may(Action.READ, alert.rule.subject)]}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        rules = self._rules(connection)
        alert = rules.get(call.text("fingerprint"))
        self._require(call, connection, Action.READ, alert.rule.subject)
        deliveries = DeliveryStore(connection).list_of_rule(alert.rule.id, _DELIVERIES)
        names = {each.id: each.name for each in DestinationStore(connection).list_all()}
        return {
            "alert": wire.alert_json(alert),
            "rule": wire.rule_body(alert.rule),
            "events": [wire.event_json(each) for each in rules.events(alert.fingerprint, _EVENTS)],
            "deliveries": [wire.delivery_json(each, names.get(each.destination_id)) for each in deliveries],
        }

    def acknowledge(self, call: Call, connection: Connection) -> dict[str, Any]:
        rules = self._rules(connection)
        alert = rules.get(call.text("fingerprint"))
        self._require(call, connection, Action.MANAGE, alert.rule.subject)
        reason = call.find_text("reason") or ""
        return {"alert": wire.alert_json(rules.acknowledge(alert.fingerprint, by=call.caller.user_name, reason=reason))}

    def silence(self, call: Call, connection: Connection) -> dict[str, Any]:
        """`until` in milliseconds, or `minutes`; 0 minutes end a silence."""
        rules = self._rules(connection)
        alert = rules.get(call.text("fingerprint"))
        self._require(call, connection, Action.MANAGE, alert.rule.subject)
        done = rules.silence(
            alert.fingerprint,
            until=_until(call, self._doors.clock.now()),
            by=call.caller.user_name,
            reason=call.find_text("reason") or "",
        )
        return {"alert": wire.alert_json(done)}

    def rules(self, call: Call, connection: Connection) -> dict[str, Any]:
        """Those of `endpoint` or `table`, as YAML too; or all that the caller may see."""
        if call.find_text("endpoint") or call.find_text("table"):
            subject = self._subject(call.find_text("endpoint") or "", call.find_text("table") or "", connection)
            self._require(call, connection, Action.READ, subject)
            kept = self._rules(connection).list_rules(subject)
            return {"rules": [wire.rule_body(each) for each in kept], "content": _content(subject, kept)}
        rights = _Rights(connection, call, self._doors.owner_of)
        every = self._rules(connection).list_rules()
        return {"rules": [wire.rule_body(each) for each in every if rights.may(Action.READ, each.subject)]}

    def apply(self, call: Call, connection: Connection) -> dict[str, Any]:
        """`content` is YAML; the endpoint or table that it names has these rules from now on, and no others."""
        wanted = parse_rules(call.text("content").encode())
        subject = self._subject(wanted.endpoint, wanted.table, connection)
        self._require(call, connection, Action.MANAGE, subject)
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
            self._require(call, connection, Action.READ, subject)
            kept = self._rules(connection).list_rules(subject)
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
        _Rights(connection, call, self._doors.owner_of).require(action, subject)

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


class _Rights:
    """What the caller may do to what rules are about; what is gone is the admins' matter."""

    def __init__(self, connection: Connection, call: Call, owner_of: OwnerOf) -> None:
        self._connection = connection
        self._user = call.caller.user_name
        self._access = Access(connection, call.caller)
        self._owner_of = owner_of
        self._known: dict[tuple[Action, Subject], bool] = {}

    def may(self, action: Action, subject: Subject) -> bool:
        key = (action, subject)
        if key not in self._known:
            target = self._target(subject)
            self._known[key] = target is None or self._access.may(action, target)
        return self._known[key]

    def require(self, action: Action, subject: Subject) -> None:
        target = self._target(subject)
        if target is not None:
            self._access.require(action, target)

    def _target(self, subject: Subject) -> Any:
        """None for an alert on a query of the caller's own."""
        match subject.kind:
            case SubjectKind.ENDPOINT:
                endpoint = EndpointStore(self._connection).find_by_id(subject.id)
                return Platform() if endpoint is None else target_of(endpoint)
            case SubjectKind.TABLE:
                return self._table(FullName.parse(subject.id))
            case SubjectKind.QUERY:
                query = QueryStore(self._connection).find(subject.id)
                return None if query is not None and query.owner == self._user else Platform()

    def _table(self, name: FullName) -> Asset | Platform:
        try:
            owner = self._owner_of(self._connection, name)
        except NotFound:
            return Platform()
        return Asset(Kind.TABLE, name.catalog, name.schema, name.name, owner)


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
