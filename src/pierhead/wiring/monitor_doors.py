"""What the api works with for monitors, and the monitors that endpoints get by themselves."""

from collections.abc import Callable

from sqlalchemy import Connection

from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.object_ids import ObjectIds
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.home import Home
from pierhead.kit.web.routes import Routes
from pierhead.monitoring.api import data_quality, quality_monitors, report, standing
from pierhead.monitoring.api.monitor_calls import MonitorCalls
from pierhead.monitoring.services.default_monitors import DefaultMonitors
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.metric_table_owners import MetricTableOwners
from pierhead.monitoring.services.monitor_definitions import Definitions
from pierhead.monitoring.services.monitor_output import MonitorOutput
from pierhead.monitoring.services.monitor_status import StandingReader
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.services.report import Reports
from pierhead.wiring.alerts import default_alerts
from pierhead.wiring.evidence import CatalogTables
from pierhead.wiring.monitors import live_folder


def add_monitor_routes(routes: Routes, database: Database, home: Home, grounds: Grounds, metastore_id: str) -> None:
    """Both official APIs, and our own."""
    definitions = Definitions(CatalogTables(database, grounds), grounds.clock)
    calls = MonitorCalls(database, grounds, _monitors(grounds.clock), definitions.check)
    quality_monitors.add_routes(routes, calls)
    data_quality.add_routes(routes, calls, ObjectIds(grounds, metastore_id))
    output = MonitorOutput(database, home.tables)
    reader = StandingReader(
        database, grounds.clock, output, Labelled(home.tables), home.run / "gateways", live_folder(home)
    )
    standing.add_routes(routes, database, calls, reader)
    report.add_routes(routes, database, calls, Reports(database, grounds.clock, home.tables, Labelled(home.tables)))


def monitor_keeping(database: Database, home: Home, grounds: Grounds) -> Callable[[], None]:
    """A loop of the controller: monitors, and with them the usual alerts, for endpoints with an inference table; owners
    for what monitors wrote."""
    owners = MetricTableOwners(database, grounds)
    defaults = DefaultMonitors(
        database=database,
        clock=grounds.clock,
        tables=home.tables,
        monitors=_monitors(grounds.clock),
        check=Definitions(CatalogTables(database, grounds), grounds.clock).check,
        made=[default_alerts(grounds.clock)],
    )

    def tick() -> None:
        defaults.tick()
        owners.tick()

    return tick


def _monitors(clock: Clock) -> Callable[[Connection], Monitors]:
    return lambda connection: Monitors(connection, clock)
