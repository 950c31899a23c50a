"""The Delta tables of a home folder, as one can see them from outside."""

import json
from pathlib import Path

from deltalake import DeltaTable

from pierhead.kit import spool
from pierhead.kit.delta import DELTA_ERRORS, find_table, find_tables, first_line
from pierhead.kit.errors import InternalError, InvalidArgument, NotFound
from pierhead.kit.names import FullName
from pierhead.monitoring.domain.tables import Column, InferenceTable, TableDescription
from pierhead.monitoring.services.payload_rows import SCHEMA
from pierhead.monitoring.services.payload_table import app_id, table_path


class Tables:
    """Descriptions of tables, read from their logs."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, name: str) -> TableDescription:
        """Raises NotFound, InvalidArgument if `name` has not three parts, InternalError if the table is broken."""
        path = table_path(self._root, name)
        try:
            table = find_table(path)
        except DELTA_ERRORS as error:
            raise InternalError(f"table {name!r} in {path} cannot be read: {first_line(error)}") from error
        if table is None:
            raise NotFound(f"table {name!r} does not exist")
        return _describe(FullName.parse(name), path, table)

    def exists(self, name: str) -> bool:
        """Raises InvalidArgument if `name` has not three parts."""
        log = table_path(self._root, name) / "_delta_log"
        return log.is_dir() and any(log.iterdir())

    def list(self, catalog: str, schema: str) -> list[TableDescription]:
        """The tables of a schema, sorted by name, without broken ones. Raises InvalidArgument."""
        FullName.parse(f"{catalog}.{schema}.any")
        descriptions = []
        for path in find_tables(self._root / catalog / schema, 1):
            try:
                descriptions.append(self.get(f"{catalog}.{schema}.{path.name}"))
            except (NotFound, InternalError, InvalidArgument):
                continue
        return descriptions


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


def _describe(full_name: FullName, path: Path, table: DeltaTable) -> TableDescription:
    metadata = table.metadata()
    return TableDescription(
        id=str(metadata.id),
        full_name=full_name,
        location=path,
        version=table.version(),
        created_ms=metadata.created_time,
        properties=dict(metadata.configuration),
        columns=tuple(
            Column(field["name"], field["type"], field["nullable"])
            for field in json.loads(table.schema().to_json())["fields"]
        ),
    )
