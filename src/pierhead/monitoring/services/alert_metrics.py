"""Where each family of metrics is read."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidState
from pierhead.monitoring.domain.alert_records import KeptRule, SubjectKind
from pierhead.monitoring.domain.alert_rules import AlertRule, Family
from pierhead.monitoring.domain.alerts import Reading
from pierhead.monitoring.domain.table_names import requests_of
from pierhead.monitoring.domain.traffic_counts import TrafficCounts, latency_ms, pooled, sample_ratio
from pierhead.monitoring.domain.windows import Granularity, Window, window_of
from pierhead.monitoring.services.endpoint_tables import payload_of
from pierhead.monitoring.services.label_coverage import CohortCoverage, read_coverage
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.table_metrics import Series, TableMetrics
from pierhead.monitoring.services.traffic_windows import WIDTH
from pierhead.monitoring.store.alert_traffic import TrafficStore
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.store.endpoints import EndpointStore

_TRAFFIC_LOOK_BACK = timedelta(days=1)
_LABELS_LOOK_BACK = timedelta(days=14)
_LABELS_EVERY = timedelta(minutes=10)
_LEAST_BASELINE = 1000


class AlertMetrics:
    """Reads the metric of a rule, outside of any transaction."""

    def __init__(self, database: Database, tables: TableMetrics, labelled: Labelled) -> None:
        self._database = database
        self._tables = tables
        self._labelled = labelled
        self._coverage: dict[str, tuple[datetime, Sequence[CohortCoverage]]] = {}

    def read(self, kept: KeptRule, now: datetime) -> Series:
        """Readings of each series.

        Raises PierheadError, or one of DELTA_ERRORS, if they cannot be read.
        """
        family = kept.rule.metric.family
        if kept.subject.kind is SubjectKind.TABLE:
            if family in (Family.TRAFFIC, Family.LABELS):
                raise InvalidState(f"{kept.rule.metric} is of endpoints; a table has none")
            return self._tables.read(kept.subject.id, kept.rule, now)
        with self._database.reading() as connection:
            endpoint = EndpointStore(connection).find_by_id(kept.subject.id)
            if endpoint is None:
                return {}
            if family is Family.TRAFFIC:
                windows = TrafficStore(connection).list_since(endpoint.id, now - _TRAFFIC_LOOK_BACK)
                return {"": traffic_readings(kept.rule, windows)}
        payload = payload_of(endpoint)
        if family is Family.LABELS:
            return {"": label_readings(kept.rule, self._cohorts(payload, endpoint, now))}
        return self._tables.read(requests_of(payload) or payload, kept.rule, now)

    def _cohorts(self, payload: str, endpoint: Endpoint, now: datetime) -> Sequence[CohortCoverage]:
        """Read every ten minutes: it is a join of whole tables, and labels are slow."""
        known = self._coverage.get(endpoint.id)
        if known is None or now - known[0] >= _LABELS_EVERY:
            until = window_of(Granularity.HOUR, now).start
            since, width = until - _LABELS_LOOK_BACK, timedelta(hours=1)
            found = read_coverage(self._labelled, payload, since=since, until=until, width=width, now=now)
            known = (now, found.cohorts)
            self._coverage[endpoint.id] = known
        return known[1]


def traffic_readings(rule: AlertRule, counted: Mapping[datetime, TrafficCounts]) -> list[Reading]:
    """The rule's metric in each window that had any traffic; `counted` has a key every five minutes."""
    granularity = rule.counting.granularity or WIDTH
    merged: dict[Window, list[TrafficCounts]] = {}
    for start, counts in counted.items():
        merged.setdefault(window_of(granularity, start), []).append(counts)
    windows = {window: pooled(each) for window, each in sorted(merged.items())}
    before = pooled(list(windows.values())[: -rule.counting.of])
    return [_traffic_reading(rule.metric.name, window, counts, before) for window, counts in windows.items()]


def _traffic_reading(name: str, window: Window, counts: TrafficCounts, before: TrafficCounts) -> Reading:
    value: float | None
    n, detail = counts.requests, ""
    match name:
        case "error_rate":
            value = counts.server_errors / n if n else None
            detail = f"{counts.server_errors:,} of {n:,} answers"
        case "log_drop_share":
            value = counts.dropped / max(n, counts.dropped, 1)
            detail = f"{counts.dropped:,} records lost"
        case "sample_ratio":
            value = sample_ratio(counts)
            detail = ", ".join(f"{entity}: {count:,}" for entity, count in sorted(counts.by_entity.items()))
        case "p99_ms":
            value = latency_ms(counts.latencies, 0.99)
        case "p99_ratio":
            value, detail = _p99_ratio(counts, before)
        case _:
            value = float(n)
    return Reading(window, value, n, detail=detail)


def _p99_ratio(counts: TrafficCounts, before: TrafficCounts) -> tuple[float | None, str]:
    usual, now = latency_ms(before.latencies, 0.99), latency_ms(counts.latencies, 0.99)
    if not usual or now is None or before.requests < _LEAST_BASELINE:
        return None, ""
    return now / usual, f"p99 {now:.3g} ms, before {usual:.3g} ms"


def label_readings(rule: AlertRule, cohorts: Sequence[CohortCoverage]) -> list[Reading]:
    """The share of each mature hour's predictions that have a label, of all models together."""
    merged: dict[Window, tuple[int, int]] = {}
    for each in cohorts:
        if each.is_mature:
            predictions, labelled = merged.get(Window(each.start, each.end), (0, 0))
            merged[Window(each.start, each.end)] = (predictions + each.predictions, labelled + each.labelled)
    windows = sorted(merged.items())
    earlier = [counts for _, counts in windows][: -rule.counting.of]
    known = sum(labelled for _, labelled in earlier)
    usual = known / sum(predictions for predictions, _ in earlier) if known else None
    readings = []
    for window, (predictions, labelled) in windows:
        share = labelled / predictions
        if rule.metric.name == "coverage":
            readings.append(Reading(window, share, predictions))
        elif usual:
            detail = f"{share:.1%} of the predictions have a label, before {usual:.1%}"
            readings.append(Reading(window, share / usual, predictions, detail=detail))
    return readings
