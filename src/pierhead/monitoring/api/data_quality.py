"""`/data-quality/v1/monitors*`: what `w.data_quality` speaks. Tables and schemas are named by their ids."""

from typing import Any

from sqlalchemy import Connection

from pierhead.catalog.api.paging import page_json, page_of
from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.tables import Table
from pierhead.catalog.services.object_ids import ObjectIds
from pierhead.catalog.services.tables import Tables
from pierhead.kit.errors import InvalidArgument, InvalidState, NotImplementedYet
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.api import data_quality_wire as wire
from pierhead.monitoring.api.monitor_calls import MonitorCalls
from pierhead.monitoring.api.monitor_dialects import DATA_QUALITY
from pierhead.monitoring.api.monitor_writing import config_json
from pierhead.monitoring.domain.monitors import Monitor, MonitorDraft, Trigger

_MONITORS = "/data-quality/v1/monitors"
_MONITOR = _MONITORS + "/{object_type}/{object_id}"
_REFRESHES = _MONITOR + "/refreshes"
_REFRESH = _REFRESHES + "/{refresh_id}"


def add_routes(routes: Routes, calls: MonitorCalls, ids: ObjectIds) -> None:
    doors = DataQualityDoors(calls, ids)
    routes.add_plain("POST", _MONITORS, doors.create)
    routes.add("GET", _MONITORS, doors.list)
    routes.add("GET", _MONITOR, doors.get)
    routes.add_plain("PATCH", _MONITOR, doors.update)
    routes.add("DELETE", _MONITOR, doors.delete)
    routes.add("POST", _REFRESHES, doors.create_refresh)
    routes.add("GET", _REFRESHES, doors.list_refreshes)
    routes.add("GET", _REFRESH, doors.get_refresh)
    routes.add("POST", _REFRESH + "/cancel", doors.cancel_refresh)
    for method in ("PATCH", "DELETE"):
        routes.add_plain(method, _REFRESH, _keep_refresh)


class DataQualityDoors:
    def __init__(self, calls: MonitorCalls, ids: ObjectIds) -> None:
        self._calls = calls
        self._ids = ids

    def create(self, call: Call) -> dict[str, Any]:
        table = self._found(call)
        config = wire.read_config(call.params)
        schema = self._schema(wire.read_schema_id(config))

        def read() -> MonitorDraft:
            return wire.read_monitor(config, table=str(table.full_name), output_schema=schema)

        return self._json(self._calls.create(call, table.full_name, read), table)

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        rights, tables = self._calls.rights(call, connection), Tables(connection, self._calls.grounds)
        found: dict[str, tuple[Monitor, Table]] = {}
        for monitor in self._calls.monitors(connection).list():
            table = tables.find(FullName.parse(monitor.table))
            if table is not None and rights.sees(table):
                found[monitor.table] = (monitor, table)
        page, token = page_of(call, sorted(found), lambda name: name, size_key="page_size")
        return page_json("monitors", [self._listed(*found[name]) for name in page], token)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = self._seen(call, connection)
        return self._json(self._calls.monitors(connection).get(str(table.full_name)), table)

    def update(self, call: Call) -> dict[str, Any]:
        table = self._found(call)
        said, mask = wire.read_config(call.params), call.text("update_mask")

        def read(before: Monitor) -> MonitorDraft:
            old = {"output_schema_id": self._schema_id(before), **config_json(before, DATA_QUALITY)}
            config = wire.masked(old, said, mask)
            asked = wire.read_schema_id(config)
            schema = before.output_schema if asked == self._schema_id(before) else self._schema(asked)
            return wire.read_monitor(config, table=before.table, output_schema=schema, before=before)

        return self._json(self._calls.update(call, table.full_name, read), table)

    def delete(self, call: Call, connection: Connection) -> None:
        table = self._changed(call, connection)
        self._calls.monitors(connection).delete(str(table.full_name))

    def create_refresh(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = self._changed(call, connection)
        asked = self._calls.monitors(connection).ask_refresh(str(table.full_name), Trigger.MANUAL)
        return wire.refresh_info(asked, object_id=call.text("object_id"))

    def list_refreshes(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = self._seen(call, connection)
        found = {
            # Pages go by a text that rises: the newest refresh comes first.
            f"{10**18 - refresh.id}": refresh
            for refresh in self._calls.monitors(connection).list_refreshes(str(table.full_name))
        }
        page, token = page_of(call, sorted(found), lambda place: place, size_key="page_size")
        infos = [wire.refresh_info(found[place], object_id=call.text("object_id")) for place in page]
        return page_json("refreshes", infos, token)

    def get_refresh(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = self._seen(call, connection)
        refresh = self._calls.monitors(connection).get_refresh(str(table.full_name), call.number("refresh_id", 0))
        return wire.refresh_info(refresh, object_id=call.text("object_id"))

    def cancel_refresh(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = self._changed(call, connection)
        monitors, number = self._calls.monitors(connection), call.number("refresh_id", 0)
        monitors.cancel_refresh(str(table.full_name), number)
        refresh = monitors.get_refresh(str(table.full_name), number)
        return {"refresh": wire.refresh_info(refresh, object_id=call.text("object_id"))}

    def _found(self, call: Call) -> Table:
        """The table that is meant, before anybody was asked whether the caller may."""
        with self._calls.database.reading() as connection:
            return Tables(connection, self._calls.grounds).get(self._name(call, connection))

    def _schema(self, schema_id: str) -> str:
        with self._calls.database.reading() as connection:
            return str(self._ids.schema(connection, schema_id))

    def _seen(self, call: Call, connection: Connection) -> Table:
        return self._calls.rights(call, connection).require_view(self._name(call, connection))

    def _changed(self, call: Call, connection: Connection) -> Table:
        return self._calls.rights(call, connection).require_change(self._name(call, connection))

    def _name(self, call: Call, connection: Connection) -> FullName:
        match call.text("object_type"):
            case "table":
                return self._ids.table(connection, call.text("object_id"))
            case "schema":
                raise NotImplementedYet(
                    "anomaly detection on schemas is not offered; a monitor with a data_profiling_config on each table "
                    "is, and alerts on what it measures"
                )
            case other:
                raise InvalidArgument(f"object_type must be table or schema, not {other!r}")

    def _listed(self, monitor: Monitor, table: Table) -> dict[str, Any]:
        try:
            return self._json(monitor, table)
        except InvalidState:
            # Its log is gone or broken, which shall not hide the other monitors.
            return wire.monitor_json(monitor, object_id="", schema_id=self._schema_id(monitor))

    def _json(self, monitor: Monitor, table: Table) -> dict[str, Any]:
        return wire.monitor_json(monitor, object_id=self._ids.table_id(table), schema_id=self._schema_id(monitor))

    def _schema_id(self, monitor: Monitor) -> str:
        return self._ids.schema_id(SchemaName.parse(monitor.output_schema))


def _keep_refresh(_call: Call) -> None:
    raise NotImplementedYet(
        "what a refresh did is kept as it is: refreshes are neither changed nor deleted; one that has not ended can be "
        "cancelled"
    )
