"""Tables in the field names of Databricks' Unity Catalog."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from pierhead.catalog.domain.column_types import DeltaType, from_delta, from_type_name, sql_type, type_name
from pierhead.catalog.domain.sql_types import from_sql
from pierhead.catalog.domain.tables import Column, OpenedTable, Table, TableLog, View
from pierhead.kit.clock import to_ms
from pierhead.kit.errors import InvalidArgument

_MOST_COLUMNS = 10_000
_PROBLEM = "pierhead.problem"


def table_info(opened: OpenedTable, metastore_id: str) -> dict[str, Any]:
    """What is not known, because nobody looked into the log or it cannot be read, is left out."""
    table = opened.table
    name = table.full_name
    info: dict[str, Any] = {
        "name": name.name,
        "catalog_name": name.catalog,
        "schema_name": name.schema,
        "full_name": str(name),
        "table_type": table.type.value,
        "data_source_format": "DELTA",
        "storage_location": str(table.location),
        "metastore_id": metastore_id,
        "owner": table.owner or "",
    }
    properties: dict[str, str] = {}
    if table.registration is not None:
        info["created_at"] = to_ms(table.registration.created_at)
        info["created_by"] = table.registration.created_by
        info["updated_at"] = to_ms(table.registration.updated_at)
        info["updated_by"] = table.registration.updated_by
        properties |= table.registration.properties
    if opened.log is not None:
        info["table_id"] = opened.log.id
        info.setdefault("created_at", opened.log.created_ms)
        info["columns"] = _columns(opened.log)
        properties |= _log_properties(opened.log)
    if opened.problem is not None:
        properties[_PROBLEM] = opened.problem
    return info | {"properties": properties}


def view_info(view: View, metastore_id: str) -> dict[str, Any]:
    """`view_definition` is SQL that DuckDB runs, over the table that the view depends on."""
    name = view.full_name
    return {
        "name": name.name,
        "catalog_name": name.catalog,
        "schema_name": name.schema,
        "full_name": str(name),
        "table_type": "VIEW",
        "metastore_id": metastore_id,
        "owner": "",
        "view_definition": view.definition,
        "view_dependencies": {"dependencies": [{"table": {"table_full_name": str(view.base)}}]},
        "columns": [_column(position, column, ()) for position, column in enumerate(view.columns)],
        "properties": {},
    }


def view_summary(view: View) -> dict[str, Any]:
    return {"full_name": str(view.full_name), "table_type": "VIEW"}


def table_summary(table: Table) -> dict[str, Any]:
    return {"full_name": str(table.full_name), "table_type": table.type.value}


def read_columns(value: Any) -> tuple[Column, ...]:
    """The columns of a new table. Raises InvalidArgument."""
    if not isinstance(value, list) or not value or len(value) > _MOST_COLUMNS:
        raise InvalidArgument(f"a MANAGED table needs a list of 1 to {_MOST_COLUMNS} columns")
    columns = tuple(_read_column(column) for column in value)
    names = [column.name.lower() for column in columns]
    doubled = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if doubled:
        raise InvalidArgument(f"columns {', '.join(doubled)} occur more than once; names differ in more than case")
    return columns


def _columns(log: TableLog) -> list[dict[str, Any]]:
    return [_column(position, column, log.partitioned_by) for position, column in enumerate(log.columns)]


def _column(position: int, column: Column, partitioned_by: tuple[str, ...]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": column.name,
        "position": position,
        "type_name": type_name(column.delta_type),
        "type_text": sql_type(column.delta_type),
        "type_json": json.dumps(column.delta_type),
        "nullable": column.is_nullable,
    }
    if column.comment:
        fields["comment"] = column.comment
    if column.name in partitioned_by:
        fields["partition_index"] = partitioned_by.index(column.name)
    return fields


def _log_properties(log: TableLog) -> dict[str, str]:
    facts = {
        "delta.lastCommitVersion": log.version,
        "delta.lastUpdateVersion": log.version,
        "delta.lastCommitTimestamp": log.committed_ms,
        "delta.minReaderVersion": log.reader_version,
        "delta.minWriterVersion": log.writer_version,
    }
    return {**log.properties, **{key: str(value) for key, value in facts.items() if value is not None}}


def _read_column(value: Any) -> Column:
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str) or not value["name"]:
        raise InvalidArgument("each column needs a name and a type")
    name, comment, nullable = value["name"], value.get("comment") or "", value.get("nullable", True)
    if not isinstance(comment, str) or not isinstance(nullable, bool):
        raise InvalidArgument(f"column {name!r}: comment must be a string, nullable true or false")
    try:
        return Column(name, _read_type(value), nullable, comment)
    except InvalidArgument as error:
        raise InvalidArgument(f"column {name!r}: {error.message}") from None


def _read_type(column: Mapping[str, Any]) -> DeltaType:
    """`type_json` says most, then `type_text`; both clients and people leave out one or the other."""
    if column.get("type_json"):
        return _from_json(str(column["type_json"]))
    if column.get("type_text"):
        return from_sql(str(column["type_text"]))
    if column.get("type_name"):
        return from_type_name(str(column["type_name"]), _whole(column, "precision"), _whole(column, "scale"))
    raise InvalidArgument("it has neither type_json nor type_text nor type_name")


def _from_json(text: str) -> DeltaType:
    """A type as a log writes it, or Spark's whole field around it."""
    try:
        value = orjson.loads(text)
    except ValueError:
        # A bare word, as some clients write it.
        return from_sql(text)
    if isinstance(value, dict) and "name" in value:
        value = value.get("type")
    return from_delta(value)


def _whole(column: Mapping[str, Any], what: str) -> int | None:
    value = column.get(f"type_{what}")
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise InvalidArgument(f"type_{what} must be an integer")
