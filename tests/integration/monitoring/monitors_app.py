"""The doors of monitors behind a real server, with users, tables and endpoints, and a clock that stands."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.catalog import DataSourceFormat, TableType
from deltalake import write_deltalake
from monitoring_records import TABLE, record

from fakes.clock import FixedClock
from fakes.serving import FakeModelVersions
from harness.asgi import LiveApp
from harness.furnishing import furnish
from harness.http import Answer
from pierhead.catalog.api import unity
from pierhead.catalog.services import places
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.object_ids import ObjectIds
from pierhead.catalog.services.tables import Tables
from pierhead.identity.api import grants
from pierhead.identity.domain.grantees import group
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege
from pierhead.identity.services.accounts import Authenticator, Identities
from pierhead.identity.store.grants import GrantStore
from pierhead.kit.db import Database
from pierhead.kit.home import Home
from pierhead.kit.names import FullName
from pierhead.kit.spool import SpoolWriter
from pierhead.kit.web.app import application
from pierhead.kit.web.routes import Routes
from pierhead.monitoring.api import data_quality, quality_monitors, standing
from pierhead.monitoring.api.monitor_calls import MonitorCalls
from pierhead.monitoring.services.default_monitors import DefaultMonitors
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.monitor_definitions import Definitions
from pierhead.monitoring.services.monitor_output import MonitorOutput
from pierhead.monitoring.services.monitor_status import StandingReader
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.services.views import InferenceViews
from pierhead.registry.store.namespaces import ModelNamespaces
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import EntitySpec
from pierhead.serving.services.endpoints import Endpoints
from pierhead.wiring.alerts import default_alerts
from pierhead.wiring.evidence import CatalogTables
from pierhead.wiring.objects import AreaObjects

MODEL = "main.wine.quality"
USERS = {
    "ada": frozenset({"admins"}),
    "sam": frozenset({"data-scientists"}),
    "sue": frozenset({"data-scientists"}),
    "rob": frozenset[str](),
}
"""An admin, two scientists, and somebody in no group."""


class World:
    def __init__(self, folder: Path, database: Database) -> None:
        self.clock = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.folder = folder
        self.home = Home(folder / "home")
        self.home.create()
        self.database = database
        self.grounds = Grounds(self.home, self.clock, ModelNamespaces(), InferenceViews())
        with database.transaction() as connection:
            furnish(connection)
            identities = Identities(connection, self.clock)
            self.tokens = {
                name: identities.create_token(identities.create_user(name, groups), "test")
                for name, groups in USERS.items()
            }
            places.set_up(connection, self.grounds)
        self.versions = FakeModelVersions(folder / "models", (MODEL, "1"))
        self.check = Definitions(CatalogTables(database, self.grounds), self.clock).check
        self.live = LiveApp(self._application())

    def _application(self) -> Any:
        database, grounds = self.database, self.grounds
        routes = Routes(database)
        unity.add_routes(routes, database, grounds, workspace_id="42", metastore_id="meta")
        grants.add_routes(routes, AreaObjects(grounds, lambda _name: None))
        calls = MonitorCalls(database, grounds, lambda connection: Monitors(connection, self.clock), self.check)
        quality_monitors.add_routes(routes, calls)
        data_quality.add_routes(routes, calls, ObjectIds(grounds, "meta"))
        output, labelled = MonitorOutput(database, self.home.tables), Labelled(self.home.tables)
        reader = StandingReader(
            database, self.clock, output, labelled, self.home.run / "gateways", self.home.run / "live-drift"
        )
        standing.add_routes(routes, database, calls, reader)
        return application(
            routes.routes,
            authenticate=Authenticator(database, self.clock),
            is_public=lambda _path: False,
            workspace_id="42",
        )

    def client(self, user: str = "ada") -> WorkspaceClient:
        return WorkspaceClient(host=self.live.url, token=self.tokens[user], auth_type="pat")

    def ask(self, method: str, path: str, body: Any = None, *, user: str = "ada") -> Answer:
        headers = {"Authorization": f"Bearer {self.tokens[user]}", "Content-Type": "application/json"}
        return self.live.request(method, path, headers, None if body is None else json.dumps(body).encode())

    def take_away(self, group_name: str, privilege: Privilege) -> None:
        """What everybody in a group may do from the first day."""
        with self.database.transaction() as connection:
            GrantStore(connection).remove([Grant(METASTORE, group(group_name), privilege)])

    def register(self, name: str, table: pa.Table, user: str = "ada") -> str:
        """A Delta table in `main.default`; its full name."""
        place = self.folder / name
        write_deltalake(place, table)
        kind, format = TableType.EXTERNAL, DataSourceFormat.DELTA
        self.client(user).tables.create(name, "main", "default", kind, format, str(place))
        return f"main.default.{name}"

    def endpoint(self, name: str = "wine") -> None:
        """Serves the model, and keeps what it is asked in `main.wine.quality_payload`."""
        capture = CaptureConfig("main", "wine", "quality")
        draft = ConfigDraft((EntitySpec(MODEL, "1", workload_size="Small"),), None, capture)
        with self.database.transaction() as connection:
            Endpoints(connection, self.clock, self.versions).create(name, draft, creator="sam")

    def predict(self, *numbers: int) -> None:
        writer = SpoolWriter(self.home.spool, "gateway")
        now_ms = round(self.clock.now().timestamp() * 1000) - 60_000
        writer.append(TABLE, [record(number, timestamp_ms=now_ms) for number in numbers])
        writer.close()
        Ingestion(self.home.spool, self.home.tables, self.clock).tick()

    def default_monitors(self) -> DefaultMonitors:
        return DefaultMonitors(
            database=self.database,
            clock=self.clock,
            tables=self.home.tables,
            monitors=lambda connection: Monitors(connection, self.clock),
            check=self.check,
            made=[default_alerts(self.clock)],
        )

    def owner_of(self, table: str) -> str | None:
        with self.database.reading() as connection:
            return Tables(connection, self.grounds).get(FullName.parse(table)).owner
