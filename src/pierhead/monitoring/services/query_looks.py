"""The looks that the controller takes at alerts with a query of their own."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from pierhead.kit.clock import Clock, monotonic_s
from pierhead.kit.db import Database
from pierhead.kit.delta import DELTA_ERRORS, first_line
from pierhead.kit.errors import Conflict, PierheadError
from pierhead.kit.failures import Failures
from pierhead.monitoring.domain.alert_queries import (
    AGGREGATIONS,
    AlertQuery,
    EmptyState,
    Operand,
    QuerySpec,
    filled,
    is_bad,
    shown,
)
from pierhead.monitoring.domain.alert_query_wire import read_query
from pierhead.monitoring.domain.alert_records import Subject, SubjectKind
from pierhead.monitoring.domain.alerts import Reading, Status, Unreadable
from pierhead.monitoring.domain.schedules import next_due
from pierhead.monitoring.domain.windows import Window
from pierhead.monitoring.services.alert_looks import look
from pierhead.monitoring.services.alert_queries import Locate
from pierhead.monitoring.services.alert_telling import Wording
from pierhead.monitoring.services.locked_sql import LockedQuery, in_our_dialect, parse_select, selecting
from pierhead.monitoring.services.table_metrics import Series
from pierhead.monitoring.store.alert_queries import QueryStore
from pierhead.monitoring.store.alerts import RuleStore

SHARE_S = 30.0
"""After so long in one round it is the next user's turn; a query under way is not broken off for it."""

# More than anybody has: who makes many does not hide those of others.
_AT_ONCE = 10_000

log = structlog.get_logger()


class QueryLooks:
    """The controller's looks at queries that are due. `elapsed_s` only ever grows."""

    def __init__(
        self, database: Database, clock: Clock, locate: Locate, *, elapsed_s: Callable[[], float] = monotonic_s
    ) -> None:
        self._database = database
        self._clock = clock
        self._locate = locate
        self._elapsed_s = elapsed_s
        self._failing = Failures[str]()

    def tick(self) -> None:
        """One look at each that is due, as many of each user as fit into SHARE_S: the rest has its turn after the
        others'."""
        with self._database.reading() as connection:
            due = QueryStore(connection).list_due(self._clock.now(), _AT_ONCE)
        self._failing.keep({query.id for query in due})
        for queries in _by_owner(due):
            began_s = self._elapsed_s()
            # Those that cannot be noted come last, or they would use up the share of those behind them.
            for query in sorted(queries, key=lambda each: each.id in self._failing):
                if self._elapsed_s() - began_s >= SHARE_S:
                    log.info("queries of a user wait for their next turn", owner=query.owner)
                    break
                self._try(query)

    def _try(self, query: AlertQuery) -> None:
        """What fails is tried again at the next tick, and does not hold up the others."""
        try:
            self._look(query, self._clock.now())
            self._failing.end(query.id)
        except Conflict as error:
            log.info("alert is looked at again", alert=query.id, reason=str(error))
        except Exception as error:
            if self._failing.is_news(query.id, error):
                log.exception("a look at a query failed, will try again", alert=query.id, owner=query.owner)

    def _look(self, query: AlertQuery, now: datetime) -> None:
        spec = read_query(query.body, now)
        with self._database.reading() as connection:
            rules = RuleStore(connection).list_of(Subject(SubjectKind.QUERY, query.id, ""))
        readings, value = evaluate(self._database, self._locate, spec, query.owner, now)
        for rule in rules:
            look(self._database, rule, readings, now, _wording(spec, readings, value))
        with self._database.transaction() as connection:
            QueryStore(connection).set_evaluated(query, now, next_due(spec.schedule, now))


def evaluate(
    database: Database, locate: Locate, spec: QuerySpec, owner: str, now: datetime
) -> tuple[Series | Unreadable, str]:
    """The result as a reading, 1 for bad and 0 for good, and the value in words."""
    try:
        select = parse_select(in_our_dialect(spec.query_text, spec.parameters))
        with database.reading() as connection:
            places = {key: locate(connection, owner, name) for key, name in select.tables.items()}
        with selecting(select, places, spec.parameters) as query:
            rows, value = _value(query, spec.source)
            threshold = _value(query, spec.threshold)[1] if isinstance(spec.threshold, Operand) else spec.threshold
        return _reading(spec, rows, value, threshold, now), shown(value)
    except PierheadError as error:
        return Unreadable(error.message), ""
    except DELTA_ERRORS as error:
        return Unreadable(first_line(error)), ""
    except SQLAlchemyError:
        # Our own database is away: that says nothing of the query.
        raise
    except Exception as error:  # whatever is wrong with this query, it is an answer to it
        log.exception("a query broke", alert=spec.display_name, owner=owner)
        return Unreadable(f"{type(error).__name__}, which nobody foresaw; the controller's log has more"), ""


def _value(query: LockedQuery, operand: Operand) -> tuple[int, Any]:
    if operand.aggregation is None:
        return query.first(operand.column)
    return query.aggregate(operand.column, AGGREGATIONS[operand.aggregation])


def _reading(spec: QuerySpec, rows: int, value: Any, threshold: Any, now: datetime) -> Series | Unreadable:
    limit = "" if threshold is None else shown(threshold)
    words = f"{spec.source} is {shown(repr(value))}, condition {spec.operator.value} {limit}".rstrip()
    if rows:
        bad = is_bad(value, spec.operator, threshold)
    elif spec.empty is EmptyState.ERROR:
        return Unreadable("the result is empty")
    elif spec.empty is EmptyState.UNKNOWN:
        return {"": ()}
    else:
        bad, words = spec.empty is EmptyState.TRIGGERED, "the result is empty"
    return {"": (Reading(Window(now, now), float(bad), rows, detail=words),)}


def _wording(spec: QuerySpec, readings: Series | Unreadable, value: str) -> Wording:
    if isinstance(readings, Unreadable):
        return Wording()
    newest = readings[""][0].value if readings[""] else None
    status = Status.TRIGGERED if newest else Status.OK
    threshold = "" if spec.threshold is None else str(spec.threshold)
    values = {
        "ALERT_STATUS": status.value,
        "ALERT_NAME": spec.display_name,
        "ALERT_CONDITION": spec.operator.value,
        "ALERT_THRESHOLD": threshold,
        "ALERT_COLUMN": spec.source.column,
        "QUERY_RESULT_VALUE": value,
    }
    return Wording(filled(spec.summary, values), filled(spec.description, values))


def _by_owner(due: Sequence[AlertQuery]) -> list[list[AlertQuery]]:
    """Whoever has waited longest comes first."""
    found: dict[str, list[AlertQuery]] = {}
    for query in due:
        found.setdefault(query.owner, []).append(query)
    return list(found.values())
