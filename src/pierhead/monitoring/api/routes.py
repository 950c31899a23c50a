"""The doors to inference tables; the least of Unity Catalog's `tables` that lets a client find one."""

from pathlib import Path
from typing import Any

from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.api.tables_wire import inference_table, table_info
from pierhead.monitoring.services.tables import InferenceTables, Tables


def add_routes(routes: Routes, *, spool: Path, tables: Path) -> None:
    def list_inference_tables(_call: Call) -> dict[str, Any]:
        return {"inference_tables": [inference_table(table) for table in InferenceTables(spool, tables).list()]}

    def list_tables(call: Call) -> dict[str, Any]:
        found = Tables(tables).list(call.text("catalog_name"), call.text("schema_name"))
        return {"tables": [table_info(table) for table in found]}

    def get_table(call: Call) -> dict[str, Any]:
        return table_info(Tables(tables).get(call.text("full_name")))

    def table_exists(call: Call) -> dict[str, Any]:
        return {"table_exists": Tables(tables).exists(call.text("full_name"))}

    routes.add_plain("GET", "/2.0/pierhead/inference-tables", list_inference_tables)
    routes.add_plain("GET", "/2.1/unity-catalog/tables", list_tables)
    routes.add_plain("GET", "/2.1/unity-catalog/tables/{full_name}", get_table)
    routes.add_plain("GET", "/2.1/unity-catalog/tables/{full_name}/exists", table_exists)
