"""Tables in the field names of Databricks' Unity Catalog."""

import json
from typing import Any

from pierhead.monitoring.domain.tables import Column, InferenceTable, TableDescription, sql_type

_TYPE_NAMES = {"integer": "INT"}


def table_info(table: TableDescription) -> dict[str, Any]:
    name = table.full_name
    return {
        "name": name.name,
        "catalog_name": name.catalog,
        "schema_name": name.schema,
        "full_name": str(name),
        "table_id": table.id,
        "table_type": "MANAGED",
        "data_source_format": "DELTA",
        "storage_location": str(table.location),
        "created_at": table.created_ms,
        "properties": {**table.properties, "delta.lastCommitVersion": str(table.version)},
        "columns": [_column(position, column) for position, column in enumerate(table.columns)],
    }


def inference_table(table: InferenceTable) -> dict[str, Any]:
    return {
        "full_name": str(table.full_name),
        "storage_location": str(table.location),
        "version": table.version,
        "row_count": table.rows,
        "spool_backlog_bytes": table.backlog_bytes,
        "problem": table.problem,
    }


def _column(position: int, column: Column) -> dict[str, Any]:
    kind = column.delta_type if isinstance(column.delta_type, str) else column.delta_type["type"]
    base_kind = kind.partition("(")[0]
    return {
        "name": column.name,
        "position": position,
        "type_name": _TYPE_NAMES.get(base_kind, base_kind.upper()),
        "type_text": sql_type(column.delta_type),
        "type_json": json.dumps(column.delta_type),
        "nullable": column.is_nullable,
    }
