"""Labels and their coverage as Pierhead's own API writes them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from pierhead.kit.clock import from_ms, to_ms
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.routes import Call
from pierhead.monitoring.domain.label_batches import Added, FromTable
from pierhead.monitoring.services.label_coverage import CohortCoverage, Coverage
from pierhead.monitoring.services.label_rows import csv_labels, json_labels, parquet_labels

_DEFAULT_PERIOD = timedelta(days=7)
_DEFAULT_WIDTH_S = 86_400
_PARQUET = ("application/vnd.apache.parquet", "application/x-parquet")


@dataclass(frozen=True, slots=True)
class Period:
    since: datetime
    until: datetime
    width: timedelta


def read_rows(params: Mapping[str, Any]) -> pa.Table | FromTable:
    """A JSON body: `labels`, or the `table` that they lie in."""
    if ("labels" in params) == ("table" in params):
        raise InvalidArgument("the body must have either labels, a list of objects, or table, the name of a table")
    if "labels" in params:
        return json_labels(params["labels"])
    version, columns = params.get("version"), params.get("columns", {})
    if not isinstance(params["table"], str) or not isinstance(columns, dict):
        raise InvalidArgument("table must be a name, and columns an object of names")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 0):
        raise InvalidArgument(f"version must be a number from 0, not {version!r}")
    return FromTable(params["table"], version, {str(name): str(column) for name, column in columns.items()})


def read_file(content_type: str, body: bytes) -> pa.Table:
    """A CSV or Parquet body. Raises InvalidArgument."""
    if content_type == "text/csv":
        return csv_labels(body)
    if content_type in _PARQUET:
        return parquet_labels(body)
    raise InvalidArgument(f"labels come as application/json, text/csv or {_PARQUET[0]}, not as {content_type!r}")


def batch_id_of(given: str | None, body: bytes) -> str:
    """The sender's Idempotency-Key, else a digest: the same content again is the same batch."""
    if given is None:
        return "sha256:" + hashlib.sha256(body).hexdigest()
    if not 1 <= len(given) <= 200 or not given.isprintable():
        raise InvalidArgument("Idempotency-Key must be 1 to 200 printable characters")
    return given


def read_period(call: Call, now: datetime) -> Period:
    """`since_ms`, `until_ms` and `width_s`; the last seven days, by day, if nothing is said."""
    until = from_ms(call.number("until_ms", to_ms(now)))
    since = from_ms(call.number("since_ms", to_ms(until - _DEFAULT_PERIOD)))
    return Period(since, until, timedelta(seconds=call.number("width_s", _DEFAULT_WIDTH_S)))


def added_json(added: Added) -> dict[str, Any]:
    return {
        "table": added.table,
        "batch_id": added.batch_id,
        "rows_added": added.rows,
        "rows_without_label": added.skipped,
        "rows_unusable": added.unusable,
        "is_replay": added.is_replay,
    }


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    delays = [coverage.delays.at(share) for share in (0.5, 0.9, 0.99)]
    return {
        "label_rows": coverage.labels,
        "unknown_requests": coverage.unknown_requests,
        "unusable_labels": coverage.unusable,
        "delay_seconds": _delays([None if delay is None else delay.total_seconds() for delay in delays]),
        "cohorts": [_cohort(cohort) for cohort in coverage.cohorts],
    }


def _cohort(cohort: CohortCoverage) -> dict[str, Any]:
    return {
        "start_ms": to_ms(cohort.start),
        "end_ms": to_ms(cohort.end),
        "model_name": cohort.model_name,
        "model_version": cohort.model_version,
        "route": cohort.route,
        "predictions": cohort.predictions,
        "labelled": cohort.labelled,
        "coverage": cohort.coverage,
        "delay_seconds": None if cohort.delay_s is None else _delays(list(cohort.delay_s)),
        "maturity": cohort.maturity,
        "is_mature": cohort.is_mature,
    }


def _delays(quantiles: list[float | None]) -> dict[str, float | None]:
    return dict(zip(("p50", "p90", "p99"), quantiles, strict=True))
