"""The doors to inference tables."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Asset, Kind
from pierhead.identity.services.access import Access
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.api.tables_wire import inference_table
from pierhead.monitoring.services.tables import InferenceTables


def add_routes(routes: Routes, *, spool: Path, tables: Path, gateways: Path) -> None:
    """`gateways` holds one file of counters for each gateway."""

    def list_inference_tables(call: Call, connection: Connection) -> dict[str, Any]:
        access = Access(connection, call.caller)
        found = InferenceTables(spool, tables, gateways).list()
        readable = [table for table in found if access.may(Action.READ, _asset(table.full_name))]
        return {"inference_tables": [inference_table(table) for table in readable]}

    routes.add("GET", "/2.0/pierhead/inference-tables", list_inference_tables)


def _asset(name: FullName) -> Asset:
    return Asset(Kind.TABLE, name.catalog, name.schema, name.name, owner=None)
