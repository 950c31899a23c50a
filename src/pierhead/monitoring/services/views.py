"""An inference table in the shapes that other releases of Databricks gave theirs, as SQL that DuckDB runs.

`legacy` is what `auto_capture_config` wrote, `gateway` what an AI Gateway's inference table has, and `unity` what the
Unity AI Gateway has. There, `time_to_first_byte_ms` is null: nothing is streamed, and the first byte comes with the
last.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

from pierhead.catalog.domain.tables import Column, OpenedTable, TableLog, View
from pierhead.kit.names import FullName
from pierhead.monitoring.services.delta_sql import literal
from pierhead.monitoring.services.payload_rows import FIRST_COLUMNS


class Shape(Enum):
    """Values go over the wire."""

    LEGACY = "legacy"
    GATEWAY = "gateway"
    UNITY = "unity"


_LEGACY = """
SELECT databricks_request_id, client_request_id, request_date AS date, epoch_ms(request_time) AS timestamp_ms,
    status_code, sampling_fraction, execution_duration_ms AS execution_time_ms, request, response,
    MAP {{'endpoint_name': endpoint_name, 'model_name': model_name, 'model_version': model_version}} AS request_metadata
FROM {table}
"""
_GATEWAY = """
SELECT databricks_request_id, request_date, client_request_id, request_time, status_code, sampling_fraction,
    execution_duration_ms, request, response, logging_error_codes, served_entity_id, requester
FROM {table}
"""
_UNITY = """
SELECT databricks_request_id AS request_id, databricks_request_id AS invocation_id,
    MAP {{'client_request_id': coalesce(client_request_id, '')}} AS request_tags, request_time AS event_time,
    status_code, sampling_fraction, execution_duration_ms AS latency_ms,
    CAST(NULL AS BIGINT) AS time_to_first_byte_ms, request, response, 'SERVED_ENTITY' AS destination_type,
    served_entity_name AS destination_name,
    model_name || '/' || model_version AS destination_model, logging_error_codes, requester, '1' AS schema_version
FROM {table}
"""
COLUMNS = {
    Shape.LEGACY: (
        *("databricks_request_id", "client_request_id", "date", "timestamp_ms", "status_code", "sampling_fraction"),
        *("execution_time_ms", "request", "response", "request_metadata"),
    ),
    Shape.GATEWAY: (
        *("databricks_request_id", "request_date", "client_request_id", "request_time", "status_code"),
        *("sampling_fraction", "execution_duration_ms", "request", "response", "logging_error_codes"),
        *("served_entity_id", "requester"),
    ),
    Shape.UNITY: (
        *("request_id", "invocation_id", "request_tags", "event_time", "status_code", "sampling_fraction"),
        *("latency_ms", "time_to_first_byte_ms", "request", "response", "destination_type", "destination_name"),
        *("destination_model", "logging_error_codes", "requester", "schema_version"),
    ),
}
"""The columns of each view, in order."""

_DELTA_TYPES = {
    "date": "date",
    "request_date": "date",
    "timestamp_ms": "long",
    "request_time": "timestamp",
    "event_time": "timestamp",
    "status_code": "integer",
    "sampling_fraction": "double",
    "execution_time_ms": "long",
    "execution_duration_ms": "long",
    "latency_ms": "long",
    "time_to_first_byte_ms": "long",
}
_PAYLOAD = "_payload"
_SHAPES = {Shape.LEGACY: _LEGACY, Shape.GATEWAY: _GATEWAY, Shape.UNITY: _UNITY}


def view_sql(table: str, shape: Shape) -> str:
    """The view over a payload table; `table` is its name in the database in which it runs.

    >>> view_sql("t", Shape.GATEWAY).splitlines()[-1]
    'FROM "t"'
    """
    return _SHAPES[shape].format(table=".".join(map(literal, table.split(".")))).strip()


class InferenceViews:
    """The catalog's `Views`: each payload table in the other shapes, as `NAME_legacy`, `NAME_gateway`, `NAME_unity`."""

    def base(self, name: FullName) -> FullName | None:
        found = next((shape for shape in Shape if name.name.endswith(f"{_PAYLOAD}_{shape.value}")), None)
        return None if found is None else replace(name, name=name.name.removesuffix(f"_{found.value}"))

    def has(self, name: FullName) -> bool:
        return name.name.endswith(_PAYLOAD)

    def of(self, opened: OpenedTable) -> Sequence[View]:
        base = opened.table.full_name
        if not self.has(base) or opened.log is None or not _holds_records(opened.log):
            return ()
        return [_view(base, shape) for shape in sorted(Shape, key=lambda shape: shape.value)]


def _holds_records(log: TableLog) -> bool:
    return {column.name for column in log.columns} >= set(FIRST_COLUMNS)


def _view(base: FullName, shape: Shape) -> View:
    name = replace(base, name=f"{base.name}_{shape.value}")
    columns = tuple(Column(column, _delta_type(column), is_nullable=True) for column in COLUMNS[shape])
    return View(name, base, view_sql(str(base), shape), columns)


def _delta_type(column: str) -> str | dict[str, Any]:
    if column in ("request_metadata", "request_tags"):
        return {"type": "map", "keyType": "string", "valueType": "string", "valueContainsNull": True}
    if column == "logging_error_codes":
        return {"type": "array", "elementType": "string", "containsNull": True}
    return _DELTA_TYPES.get(column, "string")
