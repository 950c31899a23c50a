"""Custom metrics of cells: SQL that owners of monitors wrote, in a database that opens nothing."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.custom_metrics import DRIFT_NAMES, names_of, of_type, render
from pierhead.monitoring.domain.monitors import CustomMetric, CustomMetricType, Profile
from pierhead.monitoring.services.delta_sql import literal
from pierhead.monitoring.services.owner_sql import owner_sql
from pierhead.monitoring.services.profiling.groupings import Grouping
from pierhead.monitoring.services.profiling.profile_rows import Row
from pierhead.monitoring.services.spark_types import arrow_type

Metrics = tuple[CustomMetric, ...]


def aggregates(
    database: duckdb.DuckDBPyConnection, grouping: Grouping, metrics: Metrics, profile: Profile, view: str
) -> dict[tuple[int, str], Row]:
    """Values of the aggregate metrics by cell and column (or `:table`). Raises InvalidArgument."""
    found: dict[tuple[int, str], Row] = {}
    for metric in of_type(metrics, CustomMetricType.AGGREGATE):
        for column in metric.input_columns:
            sql = cast_sql(metric, render(metric, names_of(profile, column)))
            rows = grouping.relation(["r.*"], view, cell="pierhead_cell")
            query = f"SELECT pierhead_cell, {sql} AS pierhead_value FROM ({rows}) GROUP BY pierhead_cell"
            for cell, value in zip(*run(database, metric, query).to_pydict().values(), strict=True):
                found.setdefault((cell, column), {})[metric.name] = value
    return found


def derived(
    database: duckdb.DuckDBPyConnection, rows: Sequence[Row], schema: pa.Schema, metrics: Metrics, profile: Profile
) -> None:
    """Add the derived metrics to the profile rows, in their order: a later one may use an earlier one."""
    for metric in of_type(metrics, CustomMetricType.DERIVED):
        for column in metric.input_columns:
            chosen = [row for row in rows if row["column_name"] == column]
            sql = cast_sql(metric, render(metric, names_of(profile, column)))
            _fill(database, metric, chosen, {"profile_rows": (chosen, schema)}, sql, "profile_rows")


def drifts(
    database: duckdb.DuckDBPyConnection,
    rows: Sequence[Row],
    sides: Sequence[tuple[Row, Row]],
    schema: pa.Schema,
    metrics: Metrics,
) -> None:
    """Add the drift metrics to the drift rows; `sides` are the profile rows compared, reference first."""
    for metric in of_type(metrics, CustomMetricType.DRIFT):
        places = [place for place, row in enumerate(rows) if row["column_name"] in metric.input_columns]
        sql = cast_sql(metric, render(metric, DRIFT_NAMES))
        tables = {
            "base_df": ([sides[place][0] for place in places], schema),
            "current_df": ([sides[place][1] for place in places], schema),
        }
        joined = "current_df JOIN base_df ON current_df.pierhead_place = base_df.pierhead_place"
        _fill(database, metric, [rows[place] for place in places], tables, sql, joined, "current_df.")


def cast_sql(metric: CustomMetric, sql: str) -> str:
    """The expression in DuckDB's dialect, as the type that the metric is to have.

    Raises InvalidArgument that names the metric if the expression has what it may not have.
    """
    type = arrow_type(metric.output_data_type)
    try:
        return f"CAST(({owner_sql(sql)}\n) AS {_duckdb_type(type)})"
    except InvalidArgument as error:
        raise InvalidArgument(f"custom metric {metric.name!r}: {error.message}") from error


def run(database: duckdb.DuckDBPyConnection, metric: CustomMetric, query: str) -> pa.Table:
    """Raises InvalidArgument that names the metric and says what its SQL lacks."""
    try:
        if len(database.extract_statements(query)) != 1:
            raise InvalidArgument(f"custom metric {metric.name!r}: its definition must be one expression")
        return database.sql(query).to_arrow_table()
    except duckdb.InterruptException as error:
        raise InvalidArgument(f"custom metric {metric.name!r}: its definition takes too long") from error
    except duckdb.Error as error:
        raise InvalidArgument(f"custom metric {metric.name!r}: {str(error).splitlines()[0]}") from error


def _fill(
    database: duckdb.DuckDBPyConnection,
    metric: CustomMetric,
    rows: Sequence[Row],
    tables: Mapping[str, tuple[Sequence[Row], pa.Schema]],
    sql: str,
    source: str,
    prefix: str = "",
) -> None:
    if not rows:
        return
    for name, (chosen, schema) in tables.items():
        placed = pa.Table.from_pylist(list(chosen), schema)
        database.register(name, placed.append_column("pierhead_place", pa.array(range(len(chosen)), pa.int64())))
    place = literal("pierhead_place")
    found = run(database, metric, f"SELECT {prefix}{place} AS place, {sql} AS value FROM {source}")
    for each in found.to_pylist():
        rows[each["place"]][metric.name] = each["value"]


def _duckdb_type(type: pa.DataType) -> str:
    if pa.types.is_decimal(type):
        return f"DECIMAL({type.precision},{type.scale})"
    return _DUCKDB[type]


_DUCKDB = {
    pa.float64(): "DOUBLE",
    pa.float32(): "FLOAT",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.int16(): "SMALLINT",
    pa.int8(): "TINYINT",
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}
