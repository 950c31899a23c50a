"""The loop that looks at alerts: read metrics, judge, write everything down at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import Conflict
from pierhead.kit.failures import Failures
from pierhead.monitoring.domain.alert_records import KeptRule, SubjectKind
from pierhead.monitoring.services.alert_actions import AlertActions
from pierhead.monitoring.services.alert_looks import look, read_series
from pierhead.monitoring.services.alert_metrics import AlertMetrics
from pierhead.monitoring.services.table_metrics import TableMetrics
from pierhead.monitoring.services.traffic_windows import TrafficWindows
from pierhead.monitoring.store.alerts import EventStore, RuleStore
from pierhead.serving.store.endpoints import EndpointStore

EVENTS_KEPT = timedelta(days=180)

_TIDY_EVERY = timedelta(hours=1)

# What fails is known by its rule; this is none.
_TRAFFIC = "traffic"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AlertSurroundings:
    """What the loop works with."""

    traffic: TrafficWindows
    tables: TableMetrics
    metrics: AlertMetrics
    actions: AlertActions


class AlertLoop:
    """One per controller. Its memory can be lost: states, events, messages and actions are in the database."""

    def __init__(self, database: Database, clock: Clock, surroundings: AlertSurroundings) -> None:
        self._database = database
        self._clock = clock
        self._around = surroundings
        self._due: dict[str, datetime] = {}
        self._failing = Failures[str]()
        self._tidied: datetime | None = None

    def tick(self) -> None:
        """Look at every rule that is due; one that fails does not hold up the others."""
        now = self._clock.now()
        self._follow(now)
        with self._database.reading() as connection:
            rules = RuleStore(connection).list_all()
        for rule in rules:
            if _is_due(self._due.get(rule.id), rule, now):
                self._due[rule.id] = now + rule.rule.every
                self._look(rule, now)
        self._around.actions.tick(now)
        self._forget(rules)
        if self._tidied is None or abs(now - self._tidied) >= _TIDY_EVERY:
            self._tidy(now)
            self._tidied = now

    def stop(self) -> None:
        """Keep what is only in memory."""
        self._around.traffic.save(self._clock.now())

    def _follow(self, now: datetime) -> None:
        try:
            self._around.traffic.follow(now)
            self._failing.end(_TRAFFIC)
        except Exception as error:  # rules of drift and quality are looked at all the same
            if self._failing.is_news(_TRAFFIC, error):
                log.exception("what gateways counted cannot be followed, will try again")

    def _look(self, rule: KeptRule, now: datetime) -> None:
        if rule.subject.kind is SubjectKind.QUERY:
            return
        try:
            look(self._database, rule, read_series(self._around.metrics, rule, now), now)
            self._failing.end(rule.id)
        except Conflict as error:
            # Somebody acknowledged or changed it in the meantime.
            self._due[rule.id] = now
            log.info("alert is looked at again", rule=rule.rule.name, reason=str(error))
        except Exception as error:
            if self._failing.is_news(rule.id, error):
                log.exception("a look at alerts failed, will try again", rule=rule.rule.name, subject=str(rule.subject))

    def _forget(self, rules: Sequence[KeptRule]) -> None:
        known = {rule.id for rule in rules}
        for gone in self._due.keys() - known:
            del self._due[gone]
        self._failing.keep(known | {_TRAFFIC})
        self._around.tables.forget(frozenset(rule.rule for rule in rules))

    def _tidy(self, now: datetime) -> None:
        with self._database.transaction() as connection:
            EventStore(connection).delete_before(now - EVENTS_KEPT)
            self._around.actions.tidy(connection, now)
            RuleStore(connection).delete(_orphans(connection))


def _is_due(due: datetime | None, rule: KeptRule, now: datetime) -> bool:
    # One that is due later than it can be was looked at before the clock was set back.
    return due is None or now >= due or due > now + rule.rule.every


def _orphans(connection: Connection) -> list[str]:
    """Rules of endpoints that are gone."""
    endpoints = {endpoint.id for endpoint in EndpointStore(connection).list_all()}
    return [
        rule.id
        for rule in RuleStore(connection).list_all()
        if rule.subject.kind is SubjectKind.ENDPOINT and rule.subject.id not in endpoints
    ]
