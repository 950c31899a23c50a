"""`/2.1/unity-catalog/tables/{table_name}/monitor*`: what `w.quality_monitors` speaks."""

from typing import Any

from sqlalchemy import Connection

from pierhead.kit.errors import NotImplementedYet
from pierhead.kit.names import FullName
from pierhead.kit.web.routes import Call, Routes
from pierhead.monitoring.api import quality_monitors_wire as wire
from pierhead.monitoring.api.monitor_calls import MonitorCalls
from pierhead.monitoring.domain.monitors import Trigger

_MONITOR = "/2.1/unity-catalog/tables/{table_name}/monitor"
_REFRESHES = _MONITOR + "/refreshes"
_REFRESH = _REFRESHES + "/{refresh_id}"


def add_routes(routes: Routes, calls: MonitorCalls) -> None:
    doors = QualityMonitorDoors(calls)
    routes.add_plain("POST", _MONITOR, doors.create)
    routes.add("GET", _MONITOR, doors.get)
    routes.add_plain("PUT", _MONITOR, doors.update)
    routes.add("DELETE", _MONITOR, doors.delete)
    routes.add("POST", _REFRESHES, doors.run_refresh)
    routes.add("GET", _REFRESHES, doors.list_refreshes)
    routes.add("GET", _REFRESH, doors.get_refresh)
    routes.add("POST", _REFRESH + "/cancel", doors.cancel_refresh)
    routes.add_plain("POST", "/2.1/quality-monitoring/tables/{table_name}/monitor/dashboard", _no_dashboard)


class QualityMonitorDoors:
    def __init__(self, calls: MonitorCalls) -> None:
        self._calls = calls

    def create(self, call: Call) -> dict[str, Any]:
        table = _table(call)
        return wire.monitor_info(self._calls.create(call, table, lambda: wire.read_monitor(call.params, table)))

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = _table(call)
        self._calls.rights(call, connection).require_view(table)
        return wire.monitor_info(self._calls.monitors(connection).get(str(table)))

    def update(self, call: Call) -> dict[str, Any]:
        table = _table(call)
        done = self._calls.update(call, table, lambda before: wire.read_monitor(call.params, table, before))
        return wire.monitor_info(done)

    def delete(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = _table(call)
        self._calls.rights(call, connection).require_change(table)
        self._calls.monitors(connection).delete(str(table))
        return {}

    def run_refresh(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = _table(call)
        self._calls.rights(call, connection).require_change(table)
        return wire.refresh_info(self._calls.monitors(connection).ask_refresh(str(table), Trigger.MANUAL))

    def list_refreshes(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = _table(call)
        self._calls.rights(call, connection).require_view(table)
        found = self._calls.monitors(connection).list_refreshes(str(table))[: wire.MOST_REFRESHES]
        return {"refreshes": [wire.refresh_info(refresh) for refresh in found]}

    def get_refresh(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = _table(call)
        self._calls.rights(call, connection).require_view(table)
        return wire.refresh_info(self._calls.monitors(connection).get_refresh(str(table), call.number("refresh_id", 0)))

    def cancel_refresh(self, call: Call, connection: Connection) -> dict[str, Any]:
        table = _table(call)
        self._calls.rights(call, connection).require_change(table)
        self._calls.monitors(connection).cancel_refresh(str(table), call.number("refresh_id", 0))
        return {}


def _no_dashboard(call: Call) -> None:
    raise NotImplementedYet(
        "there are no dashboards; `pierhead monitors report` writes a page about an endpoint, and the metric tables of "
        f"{call.text('table_name')} are open to every engine"
    )


def _table(call: Call) -> FullName:
    return FullName.parse(call.text("table_name"))
