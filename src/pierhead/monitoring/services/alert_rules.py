"""Rules and alerts as people handle them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import Conflict, InvalidArgument, NotFound
from pierhead.kit.ids import new_id
from pierhead.monitoring.domain.alert_defaults import default_rules
from pierhead.monitoring.domain.alert_messages import Message, Told
from pierhead.monitoring.domain.alert_metrics import PSI
from pierhead.monitoring.domain.alert_records import AlertEvent, KeptAlert, KeptRule, Subject, SubjectKind
from pierhead.monitoring.domain.alert_rules import ActionKind, AlertRule, Family
from pierhead.monitoring.domain.alert_yaml import RuleSet, rules_yaml
from pierhead.monitoring.domain.alerts import AlertState, Notice, acknowledged, silenced
from pierhead.monitoring.domain.destinations import DEFAULT_NAME, NOBODY
from pierhead.monitoring.services.alert_telling import ACKNOWLEDGED, HEARD, SILENCED, write_message
from pierhead.monitoring.store.alert_outbox import DestinationStore
from pierhead.monitoring.store.alerts import AlertStore, EventStore, RuleStore
from pierhead.serving.domain.endpoints import Endpoint

LONGEST_SILENCE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Applied:
    """What an application changed, by the names of rules."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unknown_destinations: tuple[str, ...]


class AlertRules:
    """Use cases inside one transaction. Whoever calls has checked that they may."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._rules = RuleStore(connection)
        self._alerts = AlertStore(connection)
        self._events = EventStore(connection)
        self._clock = clock

    def apply(self, subject: Subject, wanted: RuleSet, *, by: str) -> Applied:
        """Let the subject have these rules and no others. A rule that keeps its name and its metric keeps its state.

        Raises InvalidArgument for what cannot be about this subject.
        """
        _check(subject, wanted.rules)
        known = {kept.rule.name: kept for kept in self._rules.list_of(subject)}
        wanted_names = {rule.name for rule in wanted.rules}
        removed = [kept for name, kept in known.items() if name not in wanted_names]
        self._rules.delete([kept.id for kept in removed])
        added, changed = [], []
        for rule in wanted.rules:
            kept = known.get(rule.name)
            if kept is None:
                added.append(rule.name)
                self._rules.add(KeptRule(new_id(), subject, rule, by, self._clock.now()))
            elif kept.rule != rule:
                changed.append(rule.name)
                self._change(kept, rule)
        note(object=str(subject), decision="apply alert rules", after=rules_yaml(wanted))
        gone = tuple(kept.rule.name for kept in removed)
        return Applied(tuple(added), tuple(changed), gone, self._unknown(wanted.rules))

    def add_defaults(self, endpoint: Endpoint, *, by: str, is_regression: bool = False) -> bool:
        """The usual rules for an endpoint that has none; whether it had none."""
        subject = endpoint_subject(endpoint)
        if self._rules.list_of(subject):
            return False
        self.apply(subject, default_rules(endpoint.name, is_regression=is_regression), by=by)
        return True

    def list_rules(self, subject: Subject | None = None) -> list[KeptRule]:
        """In their order; None for those of everything."""
        return self._rules.list_all() if subject is None else self._rules.list_of(subject)

    def list_alerts(self) -> list[KeptAlert]:
        return self._alerts.list_all()

    def get(self, fingerprint: str) -> KeptAlert:
        """By its fingerprint, or as much of it as is unique. Raises NotFound."""
        found = self._alerts.find(fingerprint)
        if found is None:
            raise NotFound(f"there is no alert {fingerprint!r}; `pierhead alerts list` shows all")
        return found

    def events(self, fingerprint: str, limit: int) -> list[AlertEvent]:
        """The newest first."""
        return self._events.list_newest(fingerprint, limit)

    def acknowledge(self, fingerprint: str, *, by: str, reason: str) -> KeptAlert:
        """Somebody takes care of it: no more reminders. Raises NotFound, InvalidArgument unless it is triggered."""
        alert = self.get(fingerprint)
        if not alert.state.is_open:
            raise InvalidArgument(f"alert {alert.fingerprint} is not triggered; silence it, if nothing shall be told")
        return self._put(alert, acknowledged(alert.state, by), ACKNOWLEDGED, by, reason)

    def silence(self, fingerprint: str, *, until: datetime | None, by: str, reason: str) -> KeptAlert:
        """Nothing is told before `until`; None ends a silence. Raises NotFound or InvalidArgument."""
        alert, now = self.get(fingerprint), self._clock.now()
        if until is None:
            return self._put(alert, silenced(alert.state, None), HEARD, by, reason)
        if not now < until <= now + LONGEST_SILENCE:
            raise InvalidArgument("a silence ends in the future, and within a year")
        words = f"until {until:%Y-%m-%d %H:%M} UTC" + (f": {reason}" if reason else "")
        return self._put(alert, silenced(alert.state, until), SILENCED, by, words)

    def send_test(self, kept: KeptRule) -> int:
        """Have the rule's destinations told that this is a test; how many. Raises InvalidArgument if there are none."""
        rule = replace(kept.rule, summary="This is a test: nothing is wrong")
        told = Told("0" * 32, new_id(), "", AlertState(since=self._clock.now(), message="this is a test"))
        message = Message(Notice.TRIGGERED, rule, str(kept.subject), (told,), is_test=True)
        sent = write_message(self._connection, kept, message, self._clock.now())
        if not sent:
            raise InvalidArgument(
                f"rule {rule.name!r} has nobody to tell: name destinations in its `notify`, or make one named "
                f"{DEFAULT_NAME!r}"
            )
        return sent

    def _change(self, kept: KeptRule, rule: AlertRule) -> None:
        self._rules.set_rule(kept.id, rule)
        if (kept.rule.metric, kept.rule.limit.side) != (rule.metric, rule.limit.side):
            # What was measured then says nothing of what is measured now.
            self._alerts.delete_of([kept.id])

    def _put(self, alert: KeptAlert, state: AlertState, kind: str, by: str, reason: str) -> KeptAlert:
        if not self._alerts.put(alert.fingerprint, state, revision=alert.revision):
            raise Conflict(f"alert {alert.fingerprint} changed at the same moment; look at it, and try again")
        event = AlertEvent(new_id(), alert.fingerprint, alert.rule.id, self._clock.now(), kind, reason, {}, by)
        self._events.add(event)
        note(object=f"alert {alert.fingerprint}", rule=alert.rule.rule.name, decision=kind.lower(), reason=reason)
        return replace(alert, state=state, revision=alert.revision + 1)

    def _unknown(self, rules: Sequence[AlertRule]) -> tuple[str, ...]:
        """Destinations that rules name and that are not there: they may be made later."""
        store = DestinationStore(self._connection)
        named = {name for rule in rules for name in rule.telling.notify}
        called = {action.target for rule in rules for action in rule.actions if action.kind is ActionKind.CALL_WEBHOOK}
        return tuple(sorted(name for name in (named | called) - {NOBODY} if store.find(name) is None))


def endpoint_subject(endpoint: Endpoint) -> Subject:
    return Subject(SubjectKind.ENDPOINT, endpoint.id, endpoint.name)


def table_subject(name: str) -> Subject:
    return Subject(SubjectKind.TABLE, name, name)


def _check(subject: Subject, rules: Sequence[AlertRule]) -> None:
    if subject.kind is SubjectKind.ENDPOINT:
        return
    for rule in rules:
        if rule.metric.family in (Family.TRAFFIC, Family.LABELS):
            raise InvalidArgument(
                f"rule {rule.name!r}: {rule.metric} is of endpoints; a table has drift.{PSI} and such"
            )
        if any(action.kind is not ActionKind.CALL_WEBHOOK for action in rule.actions):
            raise InvalidArgument(f"rule {rule.name!r}: a table has no rollouts and no models; call_webhook is for all")
