"""The queries behind what a report shows, for whoever wants to look closer (DuckDB; names as in the catalog)."""

from pierhead.monitoring.domain.report import Report
from pierhead.monitoring.domain.report_features import Feature


def feature_sql(report: Report, feature: Feature) -> str:
    """The comparisons of one column; empty without a monitor."""
    monitor = report.facts.monitor
    if monitor is None:
        return ""
    return (
        f"SELECT * FROM {monitor.drift_table}\n"
        f"WHERE column_name = {_quoted(feature.name)} AND drift_type = 'BASELINE' AND slice_key IS NULL\n"
        f"  AND granularity = {_quoted(report.facts.granularity.value)} AND {_since(report)}\n"
        'ORDER BY "window".start'
    )


def quality_sql(report: Report) -> str:
    """Quality of all rows; empty without a monitor."""
    monitor = report.facts.monitor
    if monitor is None:
        return ""
    return (
        f"SELECT * FROM {monitor.profile_table}\n"
        "WHERE column_name = ':table' AND log_type = 'INPUT'\n"
        f"  AND granularity = {_quoted(report.facts.granularity.value)} AND {_since(report)}\n"
        'ORDER BY "window".start'
    )


def traffic_sql(report: Report) -> str:
    """Counts and latencies; empty without an inference table."""
    if report.facts.payload is None:
        return ""
    return (
        "SELECT model_version, count(*) AS n, sum(1 / sampling_fraction) AS requests,\n"
        "  approx_quantile(queue_ms + predict_ms + gateway_ms, [0.5, 0.95, 0.99]) AS latency_ms\n"
        f"FROM {report.facts.payload}\n"
        f"WHERE shadow_of IS NULL AND request_time >= TIMESTAMPTZ '{report.facts.period.start.isoformat()}'\n"
        "GROUP BY model_version"
    )


def _since(report: Report) -> str:
    return f"\"window\".start >= TIMESTAMPTZ '{report.facts.period.start.isoformat()}'"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
