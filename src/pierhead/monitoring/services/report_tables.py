"""The rows of a monitor's two tables that a report needs, and no others: they have many windows, slices and models."""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pierhead.kit.delta import find_table
from pierhead.monitoring.domain.monitors import ALL_MODELS, TABLE_ROW, InferenceLogProfile, Monitor
from pierhead.monitoring.domain.windows import Granularity, Window
from pierhead.monitoring.services.payload_table import table_path

_DRIFT_UNUSED = frozenset({"count_delta", "avg_delta", "non_null_columns_delta", "chi_squared_test"})
_PROFILE_UNUSED = frozenset({"histogram", "non_null_columns", "confusion_matrix"})
_LARGE = frozenset({"quantiles", "frequent_items"})


class ReportTables:
    """Reads below one tables folder; each method gives a table without columns if there is none yet, and raises one of
    DELTA_ERRORS."""

    def __init__(self, tables: Path, monitor: Monitor, granularity: Granularity, period: Window) -> None:
        self._tables = tables
        self._monitor = monitor
        profile = monitor.profile
        self._model_column = profile.model_id_column if isinstance(profile, InferenceLogProfile) else None
        self._is_in_time = (pc.field("granularity") == granularity.value) & (
            (pc.field("window", "start") >= period.start) & (pc.field("window", "start") < period.end)
        )

    def drift(self) -> pa.Table:
        """Comparisons with the reference: of all models, and of each."""
        keep = self._is_in_time & (pc.field("drift_type") == "BASELINE")
        return self._read(self._monitor.drift_table, keep, _DRIFT_UNUSED)

    def columns(self) -> pa.Table:
        """Columns in all rows of all models, window by window, and in the references."""
        whole = pc.field("slice_key").is_null() & (pc.field("column_name") != TABLE_ROW)
        is_input = self._is_in_time & (pc.field("log_type") == "INPUT")
        if self._model_column is not None:
            is_input = is_input & (pc.field(self._model_column) == ALL_MODELS)
        keep = whole & (is_input | (pc.field("log_type") == "BASELINE"))
        return self._read(self._monitor.profile_table, keep, _PROFILE_UNUSED)

    def quality(self) -> pa.Table:
        """The rows about the table as a whole: of all models and of each, of all rows and of each slice."""
        keep = self._is_in_time & (pc.field("column_name") == TABLE_ROW) & (pc.field("log_type") == "INPUT")
        return self._read(self._monitor.profile_table, keep, _PROFILE_UNUSED | _LARGE)

    def _read(self, name: str, keep: pc.Expression, without: Collection[str]) -> pa.Table:
        table = find_table(table_path(self._tables, name))
        if table is None:
            return pa.table({})
        dataset = table.to_pyarrow_dataset()
        return dataset.to_table(columns=[each for each in dataset.schema.names if each not in without], filter=keep)
