"""`/2.0/pierhead/tables/{full_name}/rows`: a look into a table, in its own shape or in an older one's."""

from typing import Any

from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.tables import Tables
from pierhead.identity.domain.objects import Action, Asset, Kind
from pierhead.identity.services.access import Access
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.services.table_rows import newest_rows
from pierhead.monitoring.services.views import Shape, view_sql

_DEFAULT_ROWS = 10


def add_routes(routes: Routes, database: Database, grounds: Grounds) -> None:
    def rows(call: Call) -> dict[str, Any]:
        name, shape = FullName.parse(call.text("full_name")), _shape(call.find_text("shape"))
        with database.reading() as connection:
            tables = Tables(connection, grounds)
            base = grounds.views.base(name)
            if base is not None and tables.find(name) is None:
                # A view by its own name.
                name, shape = base, Shape(name.name.rpartition("_")[2])
            table = tables.get(name)
            asset = Asset(Kind.TABLE, name.catalog, name.schema, name.name, table.owner)
            Access(connection, call.caller).require(Action.READ, asset)
        found = newest_rows(table.location, str(name), limit=call.number("limit", _DEFAULT_ROWS), shape=shape)
        sql = {} if shape is None else {"view_definition": view_sql(str(name), shape)}
        return {"rows": [{key: _plain(value) for key, value in row.items()} for row in found], **sql}

    routes.add_plain("GET", "/2.0/pierhead/tables/{full_name}/rows", rows)


def _shape(text: str | None) -> Shape | None:
    try:
        return None if text is None else Shape(text)
    except ValueError:
        raise InvalidArgument(f"shape must be {', '.join(shape.value for shape in Shape)}, not {text!r}") from None


def _plain(value: Any) -> Any:
    """What JSON has no words for, as text."""
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
