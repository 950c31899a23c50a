"""Predictions beside their labels, cohort by cohort: what rollouts and monitors judge models by.

The label of a prediction is the latest (by `label_ts`, then by arrival) that names its request and row, else its
request, else its entity and row, else its entity. A shadow's prediction has the labels of the request that it copies.
A label that was taken back counts as none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pierhead.kit.delta import find_table
from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.cohorts import Arm, ArmReading, Cohort, Cut, LabelDelays, LabelledCohorts, Loss
from pierhead.monitoring.domain.table_names import labels_of, requests_of
from pierhead.monitoring.services.delta_sql import literal, querying
from pierhead.monitoring.services.labels_table import SCHEMA as LABELS
from pierhead.monitoring.services.payload_table import table_path
from pierhead.monitoring.services.request_columns import OWN, prediction_columns
from pierhead.statistics.sequential.means import Moments

MOST_COHORTS = 10_000

LOSSES = {
    Loss.ZERO_ONE: "CASE WHEN is_correct THEN 0.0 WHEN NOT is_correct THEN 1.0 END",
    Loss.SQUARED: "(number - label_number) * (number - label_number)",
    Loss.ABSOLUTE: "abs(number - label_number)",
}

_LATEST = """
    SELECT * FROM (
        SELECT {key}, row_index, min(ingest_ts) AS first_ts, max({{'label_ts': label_ts, 'ingest_ts': ingest_ts,
            'batch_row': batch_row, 'batch_id': batch_id, 'label': label, 'label_number': label_number}}) AS latest
        FROM labels WHERE {key} IS NOT NULL AND {key} IN (SELECT {of} FROM predictions)
        GROUP BY {key}, row_index)
    WHERE latest.label IS NOT NULL
"""

# Tables, not views: each is read more than once, and they may lie on disk.
_PREDICTIONS = """
    CREATE OR REPLACE TEMP TABLE predictions AS
    SELECT coalesce(shadow_of, databricks_request_id) AS request_id, row_index, entity_key, timestamp, bucket,
        shadow_of IS NOT NULL AS is_copy, model_name, model_version, route, {number} AS number, {text} AS text
    FROM requests WHERE timestamp >= {since} AND timestamp < {until}
"""

_LABELLED = f"""
    CREATE OR REPLACE TEMP TABLE labelled AS WITH
    by_request AS ({_LATEST.format(key="databricks_request_id", of="request_id")}),
    by_entity AS ({_LATEST.format(key="entity_key", of="entity_key")}),
    found AS (
        SELECT p.*,
            coalesce(r.latest, w.latest, e.latest, n.latest) AS latest,
            coalesce(r.first_ts, w.first_ts, e.first_ts, n.first_ts) AS first_ts
        FROM predictions p
        LEFT JOIN by_request r ON r.databricks_request_id = p.request_id AND r.row_index = p.row_index
        LEFT JOIN by_request w ON w.databricks_request_id = p.request_id AND w.row_index IS NULL
        LEFT JOIN by_entity e ON e.entity_key = p.entity_key AND e.row_index = p.row_index
        LEFT JOIN by_entity n ON n.entity_key = p.entity_key AND n.row_index IS NULL
    )
    SELECT *, latest.label AS label, latest.label_number AS label_number,
        CASE WHEN latest IS NULL THEN NULL
             WHEN number IS NOT NULL AND latest.label_number IS NOT NULL THEN number = latest.label_number
             ELSE coalesce(text = latest.label, false) END AS is_correct,
        greatest(0, epoch(first_ts) - epoch(timestamp)) AS delay_s
    FROM found
"""


class Labelled:
    """Reads the requests and labels tables of endpoints below one tables folder."""

    def __init__(self, tables: Path) -> None:
        self._tables = tables

    def cohorts(
        self,
        payload: str,
        *,
        since: datetime,
        until: datetime,
        width: timedelta,
        now: datetime,
        loss: Loss = Loss.ZERO_ONE,
    ) -> LabelledCohorts:
        """Predictions from `since` until before `until`, in cohorts of `width`; cohorts without any are left out.

        `payload` is the full name of the endpoint's payload table. Raises InvalidArgument for a name that is none or
        for too many cohorts, or one of DELTA_ERRORS.
        """
        check_period(since, until, width)
        with self.querying(payload, since, until) as database:
            delays = read_delays(database)
            found = database.execute(
                f"""
                SELECT (epoch_us(timestamp) - ?) // ? AS cohort, model_name, model_version, route, count(*),
                    count(label), count(*) FILTER (is_correct), count(loss), avg(loss), var_pop(loss) * count(loss)
                FROM (SELECT *, {LOSSES[loss]} AS loss FROM labelled) GROUP BY ALL ORDER BY ALL
                """,
                steps(since, width),
            ).fetchall()
        return LabelledCohorts(_cohorts(found, Cut(since, until, width, now), delays), delays)

    @contextmanager
    def querying(self, payload: str, since: datetime, until: datetime) -> Iterator[duckdb.DuckDBPyConnection]:
        """A database with `requests`, `labels`, and of this period `predictions` and `labelled`."""
        requests, labels = requests_of(payload), labels_of(payload)
        if requests is None or labels is None:
            raise InvalidArgument(f"{payload!r} is not the payload table of an endpoint")
        path = table_path(self._tables, requests)
        table = find_table(path)
        schema = OWN if table is None else pa.schema(table.schema().to_arrow())
        with querying({"requests": (path, OWN), "labels": (table_path(self._tables, labels), LABELS)}) as database:
            join_labels(database, schema, since, until)
            yield database


def join_labels(database: duckdb.DuckDBPyConnection, requests: pa.Schema, since: datetime, until: datetime) -> None:
    """Make (anew) the tables `predictions` and `labelled` of this period, from `requests`, whose columns these are, and
    `labels`."""
    number, text = _prediction(requests)
    database.execute(_PREDICTIONS.format(number=number, text=text, since=_moment(since), until=_moment(until)))
    database.execute(_LABELLED)


def read_delays(database: duckdb.DuckDBPyConnection) -> LabelDelays:
    """The delays of all labels in `labelled`."""
    shares = [share / 100 for share in range(101)]
    (row,) = database.execute(
        f"SELECT quantile_cont(delay_s, {shares}) FROM labelled WHERE label IS NOT NULL"
    ).fetchall()
    return LabelDelays(tuple(row[0] or ()))


def check_period(since: datetime, until: datetime, width: timedelta) -> None:
    """Raises InvalidArgument."""
    if width < timedelta(seconds=1):
        raise InvalidArgument("a cohort must be at least a second wide")
    if until <= since or (until - since) / width > MOST_COHORTS:
        raise InvalidArgument(f"from {since} to {until} there are not 1 to {MOST_COHORTS} cohorts of {width}")


def _prediction(schema: pa.Schema) -> tuple[str, str]:
    """SQL of the prediction as a number and as text; it has a column for each type that it ever had."""
    columns = prediction_columns(schema)
    numbers = [f"{literal(name)}::DOUBLE" for name in columns if not pa.types.is_string(schema.field(name).type)]
    texts = [f"{literal(name)}::VARCHAR" for name in columns]
    return f"coalesce({', '.join([*numbers, 'NULL'])})", f"coalesce({', '.join([*texts, 'NULL'])})"


def _cohorts(found: list[tuple[Any, ...]], cut: Cut, delays: LabelDelays) -> list[Cohort]:
    arms: dict[int, dict[Arm, ArmReading]] = {}
    for number, model, version, route, *counts in found:
        predictions, labelled, correct, loss_n, mean, m2 = counts
        reading = ArmReading(predictions, labelled, correct, Moments(loss_n, mean or 0.0, m2 or 0.0))
        arms.setdefault(number, {})[Arm(model, version, route or "")] = reading
    return [Cohort(*cut.place(number, delays), readings) for number, readings in sorted(arms.items())]


def _moment(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment.isoformat()}'"


def steps(since: datetime, width: timedelta) -> list[int]:
    """Where cohorts begin and how wide they are, microseconds."""
    return [round(since.timestamp() * 1_000_000), round(width / timedelta(microseconds=1))]
