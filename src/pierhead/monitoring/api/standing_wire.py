"""How monitored tables stand, as Pierhead's own API writes it."""

from collections.abc import Sequence
from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.monitoring.api.quality_monitors_wire import monitor_info, refresh_info
from pierhead.monitoring.domain.alert_records import KeptAlert
from pierhead.monitoring.domain.monitor_status import ColumnDrift, ModelQuality
from pierhead.monitoring.domain.monitors import Monitor, Refresh
from pierhead.monitoring.domain.windows import Window
from pierhead.monitoring.services.live.reading import LiveDrift
from pierhead.monitoring.services.monitor_status import Latency, Monitored, Standing, VersionCoverage

_MOST_REFRESHES = 5


def summary_json(monitor: Monitor, refreshes: Sequence[Refresh], endpoint: str | None) -> dict[str, Any]:
    """A monitor in a list, with its newest refresh."""
    newest = refresh_info(refreshes[0]) if refreshes else None
    return {"endpoint": endpoint, "monitor": monitor_info(monitor), "newest_refresh": newest}


def monitored_json(monitored: Monitored, monitor: Monitor | None, refreshes: Sequence[Refresh]) -> dict[str, Any]:
    return {
        "table_name": monitored.table,
        "endpoint": None if monitored.endpoint is None else monitored.endpoint.name,
        "monitor": None if monitor is None else monitor_info(monitor),
        "refreshes": [refresh_info(refresh) for refresh in refreshes[:_MOST_REFRESHES]],
    }


def standing_json(standing: Standing, refreshes: Sequence[Refresh]) -> dict[str, Any]:
    return {
        **monitored_json(standing.monitored, standing.monitor, refreshes),
        "drift": [_drift(each) for each in standing.drift],
        "last_minutes": None if standing.live is None else _live(standing.live),
        "quality": [_quality(each) for each in standing.quality],
        "latency": [_latency(each) for each in standing.latency],
        "label_coverage": [_coverage(each) for each in standing.coverage],
        "open_alerts": [_alert(each) for each in standing.alerts],
    }


def _drift(drift: ColumnDrift) -> dict[str, Any]:
    return {
        "column": drift.column,
        **_window(drift.window),
        "compared_with": drift.compared_with,
        "level": drift.level,
        "statistic": drift.statistic,
        "value": drift.value,
        "effect_threshold": drift.threshold,
        "null_bound": drift.null_bound,
        "n": drift.n,
        "n_reference": drift.n_reference,
    }


def _live(live: LiveDrift) -> dict[str, Any]:
    columns = [
        {
            "model": each.model,
            "column": each.column,
            "level": each.level,
            "statistic": each.statistic,
            "value": each.value,
            "effect_threshold": each.threshold,
            "null_bound": each.null_bound,
            "n": each.n,
            "n_reference": each.n_reference,
            "ks": each.ks,
            "ks_error": each.ks_error,
        }
        for each in live.columns
    ]
    return {"since_ms": to_ms(live.since), "columns": columns}


def _quality(quality: ModelQuality) -> dict[str, Any]:
    return {
        "model": quality.model,
        **_window(quality.window),
        "predictions": quality.predictions,
        "labelled": quality.labelled,
        "metrics": dict(quality.metrics),
    }


def _latency(latency: Latency) -> dict[str, Any]:
    return {
        "served_entity_name": latency.entity,
        "model": latency.model,
        "requests": latency.requests,
        "server_errors": latency.errors,
        "p50_ms": latency.p50_ms,
        "p95_ms": latency.p95_ms,
        "p99_ms": latency.p99_ms,
    }


def _coverage(coverage: VersionCoverage) -> dict[str, Any]:
    return {"model": coverage.model, "predictions": coverage.predictions, "labelled": coverage.labelled}


def _alert(alert: KeptAlert) -> dict[str, Any]:
    return {
        "id": alert.fingerprint,
        "rule": alert.rule.rule.name,
        "severity": alert.rule.rule.severity.value,
        "series": alert.series,
        "status": alert.state.status.value,
        "since_ms": to_ms(alert.state.since),
        "acknowledged_by": alert.state.acked_by,
    }


def _window(window: Window) -> dict[str, int]:
    return {"window_start_ms": to_ms(window.start), "window_end_ms": to_ms(window.end)}
