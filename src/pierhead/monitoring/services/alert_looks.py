"""One look at the alerts of one rule."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb
import structlog
from sqlalchemy import Connection

from pierhead.kit.db import Database
from pierhead.kit.delta import DELTA_ERRORS, first_line
from pierhead.kit.errors import Conflict, PierheadError
from pierhead.monitoring.domain.alert_records import KeptAlert, KeptRule
from pierhead.monitoring.domain.alerts import Reading, Unreadable, begin, fingerprint, judge
from pierhead.monitoring.services.alert_metrics import AlertMetrics
from pierhead.monitoring.services.alert_telling import PLAIN, Outcome, Wording, write_outcomes
from pierhead.monitoring.services.table_metrics import Series
from pierhead.monitoring.store.alerts import AlertStore, RuleStore

log = structlog.get_logger()


def read_series(metrics: AlertMetrics, rule: KeptRule, now: datetime) -> Series | Unreadable:
    """The readings of a rule, or why there are none."""
    try:
        return metrics.read(rule, now)
    except PierheadError as error:
        return Unreadable(error.message)
    except (*DELTA_ERRORS, duckdb.Error) as error:
        return Unreadable(first_line(error))


def look(
    database: Database, rule: KeptRule, series: Series | Unreadable, now: datetime, wording: Wording = PLAIN
) -> list[Outcome]:
    """Judge all alerts of a rule and write what comes of it, in one transaction; nothing is written if nothing is new.

    Raises Conflict.
    """
    with database.reading() as connection:
        kept = AlertStore(connection).list_of(rule.id)
    outcomes = judged(rule, kept, series, now)
    news = [outcome for outcome in outcomes if outcome.is_news]
    if news:
        with database.transaction() as connection:
            _refuse_outdated(connection, rule)
            write_outcomes(connection, rule, news, now, wording)
            _forget_whole(connection, rule, outcomes)
    for outcome in news:
        if outcome.decision.is_turn:
            log.info(
                "alert",
                rule=rule.rule.name,
                subject=str(rule.subject),
                series=outcome.series,
                status=outcome.decision.after.status.value,
            )
    return outcomes


def judged(rule: KeptRule, kept: Sequence[KeptAlert], series: Series | Unreadable, now: datetime) -> list[Outcome]:
    """A decision for each series that there is, or was. A rule of which nothing was ever measured has one alert, of no
    series, so that it can be seen."""
    known = {alert.series: alert for alert in kept}
    found: Mapping[str, Sequence[Reading] | Unreadable]
    if isinstance(series, Unreadable):
        found = dict.fromkeys(known or ("",), series)
    else:
        found = {**{name: () for name in known if name}, **series}
        found = found or {"": ()}
    outcomes = []
    for name, readings in found.items():
        alert = known.get(name)
        state = begin(now) if alert is None else alert.state
        outcomes.append(Outcome(name, alert, judge(rule.rule, state, readings, now)))
    return outcomes


def _refuse_outdated(connection: Connection, rule: KeptRule) -> None:
    if RuleStore(connection).find(rule.id) != rule:
        raise Conflict(f"rule {rule.rule.name!r} was changed meanwhile")


def _forget_whole(connection: Connection, rule: KeptRule, outcomes: Sequence[Outcome]) -> None:
    """The alert of no series goes once there are series."""
    if all(outcome.series for outcome in outcomes):
        AlertStore(connection).delete([fingerprint(rule.id, "")])
