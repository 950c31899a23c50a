"""The Delta table behind one inference table: a row for each invocation."""

from pathlib import Path

from pierhead.kit.names import FullName
from pierhead.monitoring.services.growing_table import UPKEEP_COMMITS, GrowingTable, app_id
from pierhead.monitoring.services.payload_rows import FIRST_COLUMNS, SCHEMA

__all__ = ["PROPERTIES", "UPKEEP_COMMITS", "PayloadTable", "app_id", "table_path"]

# Statistics of bodies would copy payloads into the log.
PROPERTIES = {
    "delta.dataSkippingStatsColumns": "databricks_request_id,request_date,request_time,status_code,served_entity_id"
}


def table_path(tables: Path, name: str) -> Path:
    """Where the table `catalog.schema.table` lies. Raises InvalidArgument if it has no such name."""
    full_name = FullName.parse(name)
    return tables / full_name.catalog / full_name.schema / full_name.name


class PayloadTable(GrowingTable):
    """`{prefix}_payload`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA, PROPERTIES, ours=FIRST_COLUMNS)
