"""Inference tables, and what is on its way into them."""

from pathlib import Path

from deltalake import DeltaTable

from pierhead.kit import spool
from pierhead.kit.delta import DELTA_ERRORS, find_table, find_tables, first_line
from pierhead.kit.names import FullName
from pierhead.monitoring.domain.tables import InferenceTable
from pierhead.monitoring.services.payload_rows import SCHEMA
from pierhead.monitoring.services.payload_table import app_id, table_path


class InferenceTables:
    """Inference tables and what lies in the spool for them."""

    def __init__(self, spool_root: Path, tables: Path) -> None:
        self._spool = spool_root
        self._tables = tables

    def list(self) -> list[InferenceTable]:
        """Every table that holds inference records or is about to, sorted by name."""
        names = set(spool.tables(self._spool))
        names.update(".".join(path.parts[-3:]) for path in find_tables(self._tables, 3))
        found = (self._find(name) for name in sorted(names))
        return [table for table in found if table is not None]

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
    return {field.name for field in table.schema().fields} >= set(SCHEMA.names)
