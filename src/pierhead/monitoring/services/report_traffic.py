"""Traffic and latency of an endpoint by version, out of its inference table."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pierhead.monitoring.domain.report_facts import FirstAnswer, TrafficFact
from pierhead.monitoring.domain.windows import Granularity, Window, window_of
from pierhead.monitoring.services.delta_sql import querying
from pierhead.monitoring.services.payload_rows import SCHEMA
from pierhead.monitoring.services.window_sql import moment_sql, start_sql, within_sql

NO_MODEL = "no version"
"""The model of requests that none was asked for: refused before, say."""

_MODEL = f"""CASE WHEN model_version IS NULL OR model_version = '' THEN '{NO_MODEL}'
    ELSE model_name || '/' || model_version END"""
# Older tables lack the exact parts.
_LATENCY = "coalesce(queue_ms + predict_ms + gateway_ms, execution_duration_ms)"
_NO_SHADOWS = "shadow_of IS NULL AND coalesce(route, '') <> 'shadow'"

_FIRST = f"""
    SELECT {_MODEL} AS model, coalesce(config_version, 0), min({moment_sql("request_time")})
    FROM payload WHERE {_NO_SHADOWS} AND status_code < 400 GROUP BY ALL ORDER BY 3
"""
_WINDOWS = f"""
    SELECT {{start}} AS start, {_MODEL} AS model, count(*), sum(weight), coalesce(sum(weight)
        FILTER (status_code >= 500), 0), approx_quantile(latency, [0.5, 0.95, 0.99]) FILTER (status_code < 400)
    FROM (SELECT *, {_LATENCY} AS latency, 1 / greatest(coalesce(sampling_fraction, 1), 1e-9) AS weight FROM payload)
    WHERE {_NO_SHADOWS} AND {{within}} GROUP BY ALL ORDER BY ALL
"""


class PayloadTraffic:
    """One payload table, read by one query at a time. Methods raise one of DELTA_ERRORS."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def first_answers(self) -> list[FirstAnswer]:
        """When each version of each config answered first, in order of time."""
        with self._querying() as database:
            found = database.execute(_FIRST).fetchall()
        return [FirstAnswer(at.replace(tzinfo=UTC), model, config) for model, config, at in found]

    def windows(self, granularity: Granularity, period: Window) -> list[TrafficFact]:
        """Counts and latencies; quantiles are those of a t-digest."""
        within = within_sql("request_time", SCHEMA.field("request_time").type, [period])
        query = _WINDOWS.format(start=start_sql(granularity, moment_sql("request_time")), within=within)
        with self._querying() as database:
            found = database.execute(query).fetchall()
        return [
            TrafficFact(
                window=_window(granularity, at),
                model=model,
                n=n,
                requests=requests,
                server_errors=errors,
                latency_ms=None if latency is None else (latency[0], latency[1], latency[2]),
            )
            for at, model, n, requests, errors, latency in found
        ]

    def _querying(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return querying({"payload": (self._path, SCHEMA)})


def _window(granularity: Granularity, start: datetime) -> Window:
    return window_of(granularity, start.replace(tzinfo=UTC))
