"""Inference tables, and what is on its way into them."""

from dataclasses import replace
from pathlib import Path

from deltalake import DeltaTable

from pierhead.kit import spool
from pierhead.kit.delta import DELTA_ERRORS, find_table, find_tables, first_line
from pierhead.kit.names import FullName
from pierhead.monitoring.domain.tables import InferenceTable
from pierhead.monitoring.services.payload_rows import FIRST_COLUMNS
from pierhead.monitoring.services.payload_table import app_id, table_path
from pierhead.monitoring.services.quarantine import Quarantine
from pierhead.serving.services.traffic import read_dropped


class InferenceTables:
    """Inference tables and what lies in the spool for them."""

    def __init__(self, spool_root: Path, tables: Path, gateways: Path) -> None:
        """`gateways` holds one file of counters for each gateway."""
        self._spool = spool_root
        self._tables = tables
        self._gateways = gateways

    def list(self) -> list[InferenceTable]:
        """Every table that holds inference records or is about to, sorted by name."""
        names = set(spool.tables(self._spool))
        names.update(".".join(path.parts[-3:]) for path in find_tables(self._tables, 3))
        dropped = read_dropped(self._gateways)
        found = [table for table in map(self._find, sorted(names)) if table is not None]
        return [self._counted(table, dropped[str(table.full_name)]) for table in found]

    def _counted(self, table: InferenceTable, dropped: int) -> InferenceTable:
        folder = spool.table_folder(self._spool, str(table.full_name))
        return replace(table, dropped=dropped, quarantined=Quarantine(folder).count())

    def _find(self, name: str) -> InferenceTable | None:
        full_name, location = FullName.parse(name), table_path(self._tables, name)
        streams = spool.streams(self._spool, name)
        try:
            table = find_table(location)
            if table is None:
                backlog_bytes = sum(spool.backlog_bytes(stream, 0) for stream in streams)
                return InferenceTable(full_name, location, None, None, backlog_bytes)
            if not _holds_records(table):
                return None
            backlog_bytes = sum(
                spool.backlog_bytes(stream, table.transaction_version(app_id(stream.name)) or 0) for stream in streams
            )
            return InferenceTable(full_name, location, table.version(), table.count(), backlog_bytes)
        except DELTA_ERRORS as error:
            return InferenceTable(full_name, location, None, None, 0, problem=first_line(error))


def _holds_records(table: DeltaTable) -> bool:
    return {field.name for field in table.schema().fields} >= set(FIRST_COLUMNS)
