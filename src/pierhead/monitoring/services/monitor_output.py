"""What monitors wrote, for those who judge it."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pierhead.kit.db import Database
from pierhead.kit.delta import find_table
from pierhead.monitoring.domain.monitors import Monitor, SnapshotProfile
from pierhead.monitoring.services.payload_table import table_path
from pierhead.monitoring.store.monitors import MonitorStore

# Nobody judges by these, and they are the larger part of a row.
_LARGE = frozenset({"quantiles", "frequent_items", "histogram", "non_null_columns", "confusion_matrix"})


class MonitorOutput:
    """`monitoring.ports.MetricTables`."""

    def __init__(self, database: Database, tables: Path) -> None:
        self._database = database
        self._tables = tables

    def find_monitor(self, table: str) -> Monitor | None:
        with self._database.reading() as connection:
            return MonitorStore(connection).find(table)

    def data_version(self, monitor: Monitor) -> object:
        return tuple(self._newest(name) for name in (monitor.drift_table, monitor.profile_table))

    def read_drift(self, monitor: Monitor, since: datetime) -> pa.Table:
        return self._read(monitor, monitor.drift_table, since)

    def read_profile(self, monitor: Monitor, since: datetime) -> pa.Table:
        return self._read(monitor, monitor.profile_table, since)

    def _newest(self, name: str) -> int | None:
        table = find_table(table_path(self._tables, name))
        return None if table is None else table.version()

    def _read(self, monitor: Monitor, name: str, since: datetime) -> pa.Table:
        table = find_table(table_path(self._tables, name))
        if table is None:
            return pa.table({})
        dataset = table.to_pyarrow_dataset()
        end = pc.field("window", "end")
        # Rows of the baseline are of no time.
        columns = [column for column in dataset.schema.names if column not in _LARGE]
        return dataset.to_table(columns=columns, filter=_is_measured(monitor) & ((end >= since) | end.is_null()))


def _is_measured(monitor: Monitor) -> pc.Expression:
    """Whether a row is of windows that the monitor still has: those of an older definition stay, and grow old."""
    granularity = pc.field("granularity")
    if isinstance(monitor.profile, SnapshotProfile):
        return granularity.is_null()
    return granularity.is_null() | granularity.isin([each.value for each in monitor.profile.granularities])
