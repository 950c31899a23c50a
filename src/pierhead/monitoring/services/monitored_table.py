"""The rows that a monitor looks at: a Delta table at a version, an endpoint's predictions together with their labels.

Of an endpoint's requests table shadows are left out (they answer nobody), columns that only identify a request are
there but not profiled, and `label` is the label that counts, joined from the labels table beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from pierhead.kit.delta import DELTA_ERRORS, find_table, first_line
from pierhead.kit.errors import InvalidState, NotFound
from pierhead.monitoring.services.delta_sql import literal
from pierhead.monitoring.services.labelled import join_labels
from pierhead.monitoring.services.labels_table import SCHEMA as LABELS
from pierhead.monitoring.services.request_columns import OWN, PREDICTION, prediction_columns

ROWS = "rows_of_table"
"""The view of the monitored rows, without labels that would have to be joined."""

LABELLED_ROWS = "labelled_rows"
"""The same with them."""

LABEL = "label"
_TABLE, _LABELS = "table", "labels"


@dataclass(frozen=True, slots=True)
class MonitoredTable:
    """`versions` are those to read, by `table` and `labels`. `labels` is None where labels are columns like others."""

    name: str
    table: DeltaTable
    labels: DeltaTable | None
    has_joined_labels: bool
    columns: pa.Schema
    profiled: tuple[str, ...]

    @property
    def versions(self) -> dict[str, int]:
        found = {_TABLE: int(self.table.version())}
        return found if self.labels is None else {**found, _LABELS: int(self.labels.version())}

    @property
    def locations(self) -> dict[Path, int]:
        """The folders of the tables, and the versions of them."""
        tables = [table for table in (self.table, self.labels) if table is not None]
        return {_folder(table): int(table.version()) for table in tables}

    @property
    def schema(self) -> pa.Schema:
        """The columns of the Delta table itself."""
        return pa.schema(self.table.schema().to_arrow())

    def register(self, database: duckdb.DuckDBPyConnection) -> None:
        """Make the views; `join` must follow before labels are read."""
        if not self.has_joined_labels:
            database.register(ROWS, self.table.to_pyarrow_dataset())
            return
        database.register("requests", self.table.to_pyarrow_dataset())
        if self.labels is None:
            database.register(_LABELS, LABELS.empty_table())
        else:
            database.register(_LABELS, self.labels.to_pyarrow_dataset())
        columns = ", ".join(f"r.{literal(name)}" for name in self.columns.names if name not in (LABEL, PREDICTION))
        chosen = f"{columns}, {_prediction_sql(self.schema)} AS {PREDICTION}"
        is_primary = "r.route IS DISTINCT FROM 'shadow'"
        database.execute(f"CREATE TEMP VIEW {ROWS} AS SELECT {chosen} FROM requests r WHERE {is_primary}")

    def join(self, database: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> None:
        """Look up the labels of the rows of this period, and of no others."""
        if not self.has_joined_labels:
            return
        join_labels(database, self.schema, since, until)
        label = "label_number" if self.columns.field(LABEL).type == pa.float64() else "label"
        found = f"SELECT DISTINCT request_id, row_index, entity_key, {label} AS label FROM labelled"
        database.execute(
            f"""CREATE OR REPLACE TEMP VIEW {LABELLED_ROWS} AS SELECT r.*, l.label FROM {ROWS} r
            LEFT JOIN ({found} WHERE label IS NOT NULL) l ON l.request_id = r.databricks_request_id
                AND l.row_index = r.row_index AND l.entity_key IS NOT DISTINCT FROM r.entity_key"""
        )

    def view(self, expression: str) -> str:
        """The view that has all columns that an expression may read."""
        return LABELLED_ROWS if self.has_joined_labels and LABEL in expression.lower() else ROWS


def open_table(name: str, location: Path | None, versions: Mapping[str, int] | None = None) -> MonitoredTable:
    """The table at these versions, or at its newest.

    Raises NotFound if there is no table of this name, InvalidState if it cannot be read.
    """
    table = None if location is None else _open(name, location, None if versions is None else versions[_TABLE])
    if location is None or table is None:
        raise NotFound(f"table '{name}' does not exist, or is no Delta table yet")
    schema = pa.schema(table.schema().to_arrow())
    if not is_requests_table(name, schema):
        return MonitoredTable(name, table, None, False, schema, tuple(schema.names))
    path = location.with_name(location.name.removesuffix("_requests") + "_labels")
    wanted = None if versions is None else versions.get(_LABELS)
    labels = None if versions is not None and wanted is None else _open(name, path, wanted)
    return MonitoredTable(name, table, labels, True, *_shown(schema))


def is_requests_table(name: str, schema: pa.Schema) -> bool:
    """Whether it is the table of predictions that the platform writes for an endpoint."""
    return name.endswith("_requests") and set(OWN.names) <= set(schema.names)


def bare_table(name: str, location: Path, version: int | None) -> MonitoredTable:
    """A baseline: the table as it is. Raises NotFound or InvalidState."""
    table = _open(name, location, version)
    if table is None:
        raise NotFound(f"table '{name}' does not exist")
    schema = pa.schema(table.schema().to_arrow())
    return MonitoredTable(name, table, None, False, schema, tuple(schema.names))


def _open(name: str, location: Path, version: int | None) -> DeltaTable | None:
    try:
        table = find_table(location)
        if table is not None and version is not None:
            # The engine would look for every version up to one that is not there.
            if version > table.version():
                raise InvalidState(f"table '{name}' has no version {version}; its newest is {table.version()}")
            table.load_as_version(version)
    except (*DELTA_ERRORS, ValueError) as error:
        which = "" if version is None else f" at version {version}"
        raise InvalidState(f"table '{name}'{which} cannot be read: {first_line(error)}") from error
    return table


def _folder(table: DeltaTable) -> Path:
    return Path(unquote(urlsplit(table.table_uri).path))


def _shown(schema: pa.Schema) -> tuple[pa.Schema, tuple[str, ...]]:
    """The columns of the view over a requests table, and those of them that are profiled."""
    predictions = prediction_columns(schema)
    features = [name for name in schema.names if name not in OWN.names and name not in predictions]
    number = _is_number(schema, predictions)
    kinds = {
        **{name: schema.field(name).type for name in OWN.names},
        **{name: schema.field(name).type for name in features},
        PREDICTION: pa.float64() if number else pa.string(),
        LABEL: pa.float64() if number else pa.string(),
    }
    return pa.schema(list(kinds.items())), (*features, PREDICTION, "prediction_proba", LABEL)


def _is_number(schema: pa.Schema, predictions: list[str]) -> bool:
    return not any(pa.types.is_string(schema.field(name).type) for name in predictions)


def _prediction_sql(schema: pa.Schema) -> str:
    names = prediction_columns(schema)
    type = "DOUBLE" if _is_number(schema, names) else "VARCHAR"
    return f"coalesce({', '.join([f'r.{literal(name)}::{type}' for name in names] + [f'NULL::{type}'])})"
