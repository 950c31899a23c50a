"""The newest rows of a table, for somebody who wants to look."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from pierhead.kit.delta import DELTA_ERRORS, find_table, first_line
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound
from pierhead.monitoring.services.delta_sql import literal, querying
from pierhead.monitoring.services.payload_rows import FIRST_COLUMNS
from pierhead.monitoring.services.views import Shape, view_sql

MOST_ROWS = 1000

# By which the tables that we write are in order.
_TIMES = ("request_time", "timestamp", "ingest_ts")


def newest_rows(path: Path, name: str, *, limit: int, shape: Shape | None = None) -> list[dict[str, Any]]:
    """At most `limit` rows: the newest of an inference table, any of another one.

    `shape` shows a payload table as another release had it. Raises NotFound, InvalidState or InvalidArgument.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise InvalidArgument(f"limit must be from 1 to {MOST_ROWS}, not {limit}")
    try:
        table = find_table(path)
        if table is None:
            raise NotFound(f"table '{name}' has no rows yet")
        names = pa.schema(table.schema().to_arrow()).names
        if shape is not None and not set(names) >= set(FIRST_COLUMNS):
            raise InvalidArgument(f"table '{name}' is no inference table: it has no other shape")
        time = next((column for column in _TIMES if column in names), None)
        order = "" if time is None else f" ORDER BY {literal(time)} DESC"
        with querying({"found": (path, pa.schema([]))}) as database:
            database.execute(f"CREATE TEMP VIEW newest AS SELECT * FROM found{order} LIMIT {limit}")
            query = "SELECT * FROM newest" if shape is None else view_sql("newest", shape)
            rows: list[dict[str, Any]] = database.sql(query).to_arrow_table().to_pylist(maps_as_pydicts="lossy")
            return rows
    except DELTA_ERRORS as error:
        raise InvalidState(f"table '{name}' cannot be read: {first_line(error)}") from error
