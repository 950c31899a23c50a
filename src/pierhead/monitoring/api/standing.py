"""`/2.0/pierhead/monitors*`: every monitor, and how what they watch stands. By an endpoint's name or a table's."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from pierhead.catalog.services.tables import Tables
from pierhead.kit.db import Database
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.api import standing_wire as wire
from pierhead.monitoring.api.monitor_calls import MonitorCalls
from pierhead.monitoring.domain.monitors import Monitor, Refresh
from pierhead.monitoring.services.endpoint_tables import endpoint_of
from pierhead.monitoring.services.monitor_status import Monitored, StandingReader, monitored_of
from pierhead.serving.store.endpoints import EndpointStore

_MONITORS = "/2.0/pierhead/monitors"


def add_routes(routes: Routes, database: Database, calls: MonitorCalls, reader: StandingReader) -> None:
    doors = StandingDoors(database, calls, reader)
    routes.add("GET", _MONITORS, doors.list)
    routes.add("GET", _MONITORS + "/{name}", doors.get)
    routes.add_plain("GET", _MONITORS + "/status/{name}", doors.status)


class StandingDoors:
    def __init__(self, database: Database, calls: MonitorCalls, reader: StandingReader) -> None:
        self._database = database
        self._calls = calls
        self._reader = reader

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        rights, tables = self._calls.rights(call, connection), Tables(connection, self._calls.grounds)
        monitors, endpoints = self._calls.monitors(connection), EndpointStore(connection).list_all()
        found = []
        for monitor in monitors.list():
            table = tables.find(FullName.parse(monitor.table))
            if table is not None and rights.sees(table):
                endpoint = endpoint_of(monitor.table, endpoints)
                name = None if endpoint is None else endpoint.name
                found.append(wire.summary_json(monitor, monitors.list_refreshes(monitor.table), name))
        return {"monitors": found}

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        return wire.monitored_json(*self._look(call, connection))

    def status(self, call: Call) -> dict[str, Any]:
        with self._database.reading() as connection:
            monitored, _, refreshes = self._look(call, connection)
        return wire.standing_json(self._reader.read(monitored), refreshes)

    def _look(self, call: Call, connection: Connection) -> tuple[Monitored, Monitor | None, Sequence[Refresh]]:
        monitored = monitored_of(connection, call.text("name"))
        self._calls.rights(call, connection).require_view(FullName.parse(monitored.table))
        monitors = self._calls.monitors(connection)
        monitor = monitors.find(monitored.table)
        return monitored, monitor, [] if monitor is None else monitors.list_refreshes(monitored.table)
