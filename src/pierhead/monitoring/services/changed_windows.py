"""Which windows of a table hold other rows than at an earlier version.

Files that are in one of the two versions alone are compared by the rows they hold: a file that was merged with others,
or an UPDATE that rewrote a file for the sake of one row, changes only the windows whose rows are different. Works with
and without a change data feed. A row is told by a hash of 64 bits, a window by the sum over its rows.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from pierhead.kit.delta import DELTA_ERRORS
from pierhead.monitoring.domain.windows import Granularity, Window, window_of
from pierhead.monitoring.services.delta_sql import Bounded, empty_database
from pierhead.monitoring.services.monitored_table import ROWS, MonitoredTable
from pierhead.monitoring.services.window_sql import moment_sql, start_sql

LOOK_BACK = timedelta(days=30)
"""How far the first refresh goes back from when it was asked for."""

# Every window of every granularity consists of whole ones of these.
_FINEST = Granularity.MINUTES_5


def first_windows(database: duckdb.DuckDBPyConnection, column: str, asked_at: datetime) -> set[datetime]:
    """Starts of the five minutes in which there are rows since thirty days before the first refresh."""
    since = (asked_at - LOOK_BACK).astimezone(UTC).replace(tzinfo=None)
    where = f"{moment_sql(column)} >= TIMESTAMP '{since.isoformat(sep=' ')}'"
    return _starts(database, f"SELECT DISTINCT {_bucket(column)} AS start FROM {ROWS} WHERE {where}")


def changed_since(
    column: str, before: MonitoredTable, now: MonitoredTable, folder: Path, bounded: Bounded
) -> set[datetime] | None:
    """Starts of the five minutes whose rows, or whose labels, are others than before; None if it cannot be told.

    Works in the folder."""
    try:
        with empty_database(folder) as database, bounded(database):
            _register_difference(database, "", before.table, now.table)
            found = _starts(database, _DIFFERENT.format(bucket=_bucket(column), gone="gone", come="come"))
            if now.has_joined_labels and now.labels is not None:
                _register_difference(database, "labels_", before.labels, now.labels)
                database.register("requests", now.table.to_pyarrow_dataset())
                found |= _starts(database, _RELABELLED.format(bucket=_bucket(column)))
            return found
    except (duckdb.Error, *DELTA_ERRORS):
        # Files of the older version are gone.
        return None


def kept(database: duckdb.DuckDBPyConnection, column: str, starts: set[datetime]) -> set[datetime]:
    """Without those from before the oldest row: what was there was deleted because of its age, and what it gave stays
    true."""
    (oldest,) = _starts(database, f"SELECT min({_bucket(column)}) AS start FROM {ROWS}") or (None,)
    return set() if oldest is None else {start for start in starts if start >= oldest}


def looked_back(granularity: Granularity, asked_at: datetime, starts: Iterable[datetime]) -> Window:
    """All the time that a first refresh is about, from thirty days back to the last of its rows."""
    first = window_of(granularity, asked_at - LOOK_BACK)
    last = window_of(granularity, max([asked_at, *starts]))
    return Window(first.start, last.end)


def windows_of(granularity: Granularity, starts: Iterable[datetime]) -> set[Window]:
    """The windows in which these five minutes lie."""
    return {window_of(granularity, start) for start in starts}


_DIFFERENT = """
    WITH rows_gone AS
        (SELECT {bucket} AS start, count(*) AS n, sum(hash(pierhead_row)) AS h FROM {gone} pierhead_row GROUP BY 1),
    rows_come AS
        (SELECT {bucket} AS start, count(*) AS n, sum(hash(pierhead_row)) AS h FROM {come} pierhead_row GROUP BY 1)
    SELECT coalesce(g.start, c.start) AS start FROM rows_gone g FULL JOIN rows_come c ON g.start = c.start
    WHERE g.n IS DISTINCT FROM c.n OR g.h IS DISTINCT FROM c.h
"""
_RELABELLED = """
    WITH changed AS (
        (SELECT * FROM labels_come EXCEPT ALL SELECT * FROM labels_gone)
        UNION ALL (SELECT * FROM labels_gone EXCEPT ALL SELECT * FROM labels_come))
    SELECT DISTINCT {bucket} AS start FROM requests
    WHERE coalesce(shadow_of, databricks_request_id) IN
            (SELECT databricks_request_id FROM changed WHERE databricks_request_id IS NOT NULL)
        OR entity_key IN (SELECT entity_key FROM changed WHERE entity_key IS NOT NULL)
"""


def _bucket(column: str) -> str:
    return start_sql(_FINEST, moment_sql(column))


def _register_difference(
    database: duckdb.DuckDBPyConnection, prefix: str, before: DeltaTable | None, now: DeltaTable
) -> None:
    """`{prefix}gone` and `{prefix}come`: the rows of files that only one of the versions has."""
    new = now.to_pyarrow_dataset()
    old_files = {} if before is None else {each.path: each for each in before.to_pyarrow_dataset().get_fragments()}
    new_files = {each.path: each for each in new.get_fragments()}
    gone = [file for path, file in old_files.items() if path not in new_files]
    come = [file for path, file in new_files.items() if path not in old_files]
    for name, files in (("gone", gone), ("come", come)):
        rows = ds.FileSystemDataset(files, new.schema, files[0].format, files[0].filesystem) if files else None
        database.register(prefix + name, new.schema.empty_table() if rows is None else rows)


def _starts(database: duckdb.DuckDBPyConnection, query: str) -> set[datetime]:
    found: pa.Table = database.sql(query).to_arrow_table()
    return {start.replace(tzinfo=UTC) for start in found["start"].to_pylist() if start is not None}
