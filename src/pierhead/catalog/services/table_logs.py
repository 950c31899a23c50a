"""Delta logs, read and begun."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, Schema

from pierhead.catalog.domain.tables import Column, TableLog
from pierhead.kit.delta import DELTA_ERRORS, find_table, first_line
from pierhead.kit.delta_versions import LASTING_LOG
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound

_PREFIX = "delta."
_CHANGE_FEED = {"delta.enableChangeDataFeed": "true"}
# What opening a log raises beyond DELTA_ERRORS: columns of a type that the engine does not know.
_UNREADABLE = (*DELTA_ERRORS, ValueError)


def read_log(location: Path) -> TableLog:
    """The newest version in a table's log. Raises NotFound if there is no table, InvalidState if it is broken."""
    try:
        table = find_table(location)
        if table is None:
            raise NotFound(f"there is no Delta table in {location}")
        return _describe(table)
    except _UNREADABLE as error:
        raise InvalidState(f"the Delta table in {location} cannot be read: {first_line(error)}") from error


def find_id(location: Path) -> str | None:
    """The id that a table's log gives it; None if there is no log that can be read."""
    try:
        table = find_table(location)
    except _UNREADABLE:
        return None
    return None if table is None else str(table.metadata().id)


def begin_log(location: Path, columns: Sequence[Column], properties: Mapping[str, str]) -> None:
    """Make an empty table. Raises InvalidArgument for columns or `delta.` properties that a log cannot hold."""
    try:
        schema = Schema.from_json(json.dumps({"type": "struct", "fields": [_field(column) for column in columns]}))
        DeltaTable.create(location, schema, mode="error", configuration={**_CHANGE_FEED, **LASTING_LOG, **properties})
    except _UNREADABLE as error:
        raise InvalidArgument(f"the table cannot be made: {first_line(error)}") from error


def split_properties(properties: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Those that a table's log keeps, and the rest."""
    inside = {key: value for key, value in properties.items() if key.startswith(_PREFIX)}
    return inside, {key: value for key, value in properties.items() if key not in inside}


def vacuum(location: Path, *, keep: Collection[int], retention_hours: int | None, dry_run: bool) -> list[str]:
    """Delete data files that neither a version younger than the retention nor one of `keep` uses; their names.

    None is the table's own retention, and nothing less is allowed. Raises NotFound, InvalidArgument or InvalidState.
    """
    table = find_table(location)
    if table is None:
        raise NotFound(f"there is no Delta table in {location}")
    _refuse_missing(table, keep)
    try:
        return list(table.vacuum(retention_hours, dry_run=dry_run, keep_versions=sorted(keep) or None))
    except _UNREADABLE as error:
        if "retention" in str(error).lower():
            raise InvalidArgument(first_line(error)) from error
        raise InvalidState(f"the Delta table in {location} cannot be vacuumed: {first_line(error)}") from error


def _refuse_missing(table: DeltaTable, versions: Collection[int]) -> None:
    newest = table.version()
    gone = sorted(version for version in versions if version > newest)
    if gone:
        raise InvalidState(
            f"versions {', '.join(map(str, gone))} are pinned, but the table's newest is {newest}: it is not the table "
            "that was pinned; nothing was deleted"
        )


def _describe(table: DeltaTable) -> TableLog:
    metadata, protocol = table.metadata(), table.protocol()
    newest: dict[str, Any] = next(iter(table.history(1)), {})
    return TableLog(
        id=str(metadata.id),
        version=table.version(),
        created_ms=metadata.created_time,
        committed_ms=newest.get("timestamp"),
        reader_version=protocol.min_reader_version,
        writer_version=protocol.min_writer_version,
        properties=dict(metadata.configuration),
        columns=tuple(
            Column(field["name"], field["type"], field["nullable"], str(field.get("metadata", {}).get("comment", "")))
            for field in json.loads(table.schema().to_json())["fields"]
        ),
        partitioned_by=tuple(metadata.partition_columns),
    )


def _field(column: Column) -> dict[str, object]:
    metadata = {"comment": column.comment} if column.comment else {}
    return {"name": column.name, "type": column.delta_type, "nullable": column.is_nullable, "metadata": metadata}
