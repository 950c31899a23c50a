"""`/2.1/unity-catalog/tables`: what `w.tables` speaks, and Pierhead's own vacuum."""

import re
from typing import Any

from sqlalchemy import Connection

from pierhead.catalog.api import rights
from pierhead.catalog.api.paging import page_json, page_of
from pierhead.catalog.api.read import read_properties
from pierhead.catalog.api.tables_wire import read_columns, table_info, table_summary, view_info, view_summary
from pierhead.catalog.domain.locations import local_path
from pierhead.catalog.domain.names import check_part
from pierhead.catalog.domain.tables import OpenedTable, Table, TableDraft, TableType, View
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.known_places import KnownPlaces
from pierhead.catalog.services.removals import Removals
from pierhead.catalog.services.tables import Tables, opened, usable_location
from pierhead.catalog.services.vacuums import Vacuums
from pierhead.catalog.services.views import base_of, find_view, with_views
from pierhead.identity.domain.objects import Action, Kind
from pierhead.identity.services.access import Access
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument, NotFound, NotImplementedYet
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes

_TABLES, _TABLE = "/2.1/unity-catalog/tables", "/2.1/unity-catalog/tables/{full_name}"


class TableDoors:
    """Handlers for tables. Those that look into logs hold no transaction meanwhile."""

    def __init__(self, database: Database, grounds: Grounds, removals: Removals, metastore_id: str) -> None:
        self._database = database
        self._grounds = grounds
        self._removals = removals
        self._vacuums = Vacuums(database, grounds)
        self._metastore_id = metastore_id

    def add_routes(self, routes: Routes) -> None:
        targets = rights.AssetTargets(self._grounds)
        target = targets.table
        reads, manages = rights.needs(Action.READ, targets.table_or_view), rights.needs(Action.MANAGE, target)
        creates = rights.needs(Action.CREATE, rights.new_asset(Kind.TABLE))
        routes.add_plain("POST", _TABLES, self.create, guard=creates)
        routes.add_plain("GET", _TABLES, self.list_schema, guard=rights.needs_nothing)
        routes.add("GET", "/2.1/unity-catalog/table-summaries", self.list_summaries, guard=rights.needs_nothing)
        routes.add_plain("GET", _TABLE, self.get, guard=reads)
        routes.add("GET", _TABLE + "/exists", self.exists, guard=rights.needs_nothing)
        routes.add("PATCH", _TABLE, self.update, guard=manages)
        routes.add_plain("DELETE", _TABLE, self.delete, guard=manages)
        routes.add_plain(
            "POST", "/2.0/pierhead/tables/{full_name}/vacuum", self.vacuum, guard=rights.vacuums(target, self._grounds)
        )

    def create(self, call: Call) -> dict[str, Any]:
        draft = self._read_draft(call)
        if draft.location is not None:
            # It must be a table before anybody is asked to keep it.
            opened(Table(draft.full_name, TableType.EXTERNAL, draft.location)).require_log()
        with self._database.transaction() as connection:
            table = Tables(connection, self._grounds).add(draft, by=call.caller.user_name)
        return self._info(opened(table))

    def list_schema(self, call: Call) -> dict[str, Any]:
        schema = rights.read_schema(call)
        with self._database.reading() as connection:
            access = Access(connection, call.caller)
            found = Tables(connection, self._grounds).list(schema)
            readable = [table for table in found if access.may(Action.READ, rights.table_asset(table))]
        page, token = page_of(call, with_views(self._grounds, readable), lambda each: each.full_name.name)
        looks = not (call.flag("omit_columns") and call.flag("omit_properties"))
        infos = [self._listed(each, looks) for each in page]
        return page_json("tables", [_without(info, call) for info in infos], token)

    def list_summaries(self, call: Call, connection: Connection) -> dict[str, Any]:
        catalog = KnownPlaces(connection, self._grounds).catalog(check_part(call.text("catalog_name"), "catalog"))
        access = Access(connection, call.caller)
        schemas, names = _like(call.find_text("schema_name_pattern")), _like(call.find_text("table_name_pattern"))
        readable = [
            table
            for table in Tables(connection, self._grounds).list_in_catalog(catalog.name)
            if schemas.fullmatch(table.full_name.schema) and names.fullmatch(table.full_name.name)
            if access.may(Action.READ, rights.table_asset(table))
        ]
        page, token = page_of(call, with_views(self._grounds, readable), lambda each: str(each.full_name))
        summaries = [view_summary(each) if isinstance(each, View) else table_summary(each) for each in page]
        return page_json("tables", summaries, token)

    def get(self, call: Call) -> dict[str, Any]:
        name = FullName.parse(call.text("full_name"))
        with self._database.reading() as connection:
            table = Tables(connection, self._grounds).find(name)
            base = base_of(connection, self._grounds, name) if table is None else None
        view = None if base is None else find_view(self._grounds, base, name)
        if view is not None:
            return view_info(view, self._metastore_id)
        if table is None:
            raise NotFound(f"table '{name}' does not exist")
        found = opened(table)
        found.require_log()
        return self._info(found)

    def exists(self, call: Call, connection: Connection) -> dict[str, Any]:
        name = FullName.parse(call.text("full_name"))
        table = Tables(connection, self._grounds).find(name)
        base = base_of(connection, self._grounds, name) if table is None else None
        asked = table or base
        if asked is not None:
            Access(connection, call.caller).require(Action.READ, rights.table_asset(asked))
        is_view = base is not None and find_view(self._grounds, base, name) is not None
        return {"table_exists": table is not None or is_view}

    def update(self, call: Call, connection: Connection) -> None:
        name = FullName.parse(call.text("full_name"))
        Tables(connection, self._grounds).set_owner(name, call.text("owner"), by=call.caller.user_name)

    def delete(self, call: Call) -> None:
        self._removals.delete_table(FullName.parse(call.text("full_name")))

    def vacuum(self, call: Call) -> dict[str, Any]:
        hours = call.number("retention_hours", -1)
        done = self._vacuums.run(
            FullName.parse(call.text("full_name")),
            retention_hours=None if hours < 0 else hours,
            dry_run=call.flag("dry_run"),
        )
        return {"files": done.files, "pinned_versions": done.pinned_versions, "dry_run": done.dry_run}

    def _read_draft(self, call: Call) -> TableDraft:
        name = rights.read_new_name(call)
        if call.text("data_source_format").upper() != "DELTA":
            raise InvalidArgument(f"data_source_format must be DELTA, not {call.text('data_source_format')!r}")
        location = call.find_text("storage_location")
        match call.text("table_type"):
            case "EXTERNAL":
                path = usable_location(local_path(call.text("storage_location")), name, self._grounds.home)
                return TableDraft(name, location=path, properties=read_properties(call) or {})
            case "MANAGED" if not location:
                return TableDraft(name, read_columns(call.params.get("columns")), None, read_properties(call) or {})
            case "MANAGED":
                raise InvalidArgument(
                    "the platform chooses where a MANAGED table lies: leave storage_location empty, or make it EXTERNAL"
                )
            case other:
                raise NotImplementedYet(f"table_type {other!r} is not offered; EXTERNAL and MANAGED are")

    def _listed(self, each: Table | View, looks: bool) -> dict[str, Any]:
        if isinstance(each, View):
            return view_info(each, self._metastore_id)
        return self._info(opened(each) if looks else OpenedTable(each))

    def _info(self, table: OpenedTable) -> dict[str, Any]:
        return table_info(table, self._metastore_id)


def _without(info: dict[str, Any], call: Call) -> dict[str, Any]:
    omitted = {field for field in ("columns", "properties", "owner") if call.flag(_OMIT[field])}
    return {field: value for field, value in info.items() if field not in omitted}


_OMIT = {"columns": "omit_columns", "properties": "omit_properties", "owner": "omit_username"}


def _like(pattern: str | None) -> re.Pattern[str]:
    r"""SQL's LIKE: `%` is any text, `_` any character, and `\` takes that meaning away. No pattern fits everything."""
    parts = {"%": ".*", "_": "."}
    tokens = re.findall(r"\\.|.", "%" if pattern is None else pattern, re.DOTALL)
    return re.compile("".join(parts.get(token, re.escape(token[-1])) for token in tokens))
