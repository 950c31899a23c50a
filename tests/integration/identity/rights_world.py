"""The doors of rights on a real server, over objects that exist because the test says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from databricks.sdk import WorkspaceClient
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fakes.clock import FixedClock
from harness.asgi import LiveApp
from harness.furnishing import furnish
from harness.http import Answer, request
from pierhead.identity.api import grants, permissions
from pierhead.identity.domain.objects import Asset, Catalog, Endpoint, Experiment, Kind, Model, Schema, Target
from pierhead.identity.domain.privileges import SecurableType
from pierhead.identity.services.access import Access
from pierhead.identity.services.accounts import Authenticator, Identities
from pierhead.kit.db import Database
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes

MODEL = Model("m1", "main.fraud.model", "sam", "main", "fraud")
SHORT_MODEL = Model("m2", "churn", "sam")
ENDPOINT = Endpoint("e1", "fraud", "sam")
EXPERIMENT = Experiment("7", "sam")
CATALOG = Catalog("main")
SCHEMA = Schema("main", "fraud")
TABLE = Asset(Kind.TABLE, "main", "fraud", "payments", "sam")
VOLUME = Asset(Kind.VOLUME, "main", "fraud", "images", "sam")


class FakeObjects:
    """Identity's `Objects`."""

    def find(self, _connection: Connection, kind: Kind, object_id: str) -> Model | Endpoint | None:
        known: dict[tuple[Kind, str], Model | Endpoint] = {
            (Kind.MODEL, "m1"): MODEL,
            (Kind.MODEL, "m2"): SHORT_MODEL,
            (Kind.ENDPOINT, "e1"): ENDPOINT,
        }
        return known.get((kind, object_id))

    def find_experiment(self, experiment_id: str) -> Experiment | None:
        return {"7": EXPERIMENT, "07": EXPERIMENT, "0": Experiment("0", None)}.get(experiment_id)

    def find_securable(self, _connection: Connection, type: SecurableType, full_name: str) -> Target | None:
        known: dict[tuple[SecurableType, str], Target] = {
            (SecurableType.CATALOG, "main"): CATALOG,
            (SecurableType.SCHEMA, "main.fraud"): SCHEMA,
            (SecurableType.MODEL, "main.fraud.model"): MODEL,
            (SecurableType.MODEL, "churn"): SHORT_MODEL,
            (SecurableType.TABLE, "main.fraud.payments"): TABLE,
            (SecurableType.VOLUME, "main.fraud.images"): VOLUME,
        }
        return known.get((type, full_name))


class World:
    """`root` is an admin, `lea` a lead, `sam` and `sue` scientists, `rea` a reader in no group, and `robot` a service
    principal of sam's in no group."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FixedClock()
        self.tokens: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        with database.transaction() as connection:
            identities = Identities(connection, self.clock)
            furnish(connection)
            accounts = [
                identities.create_user("root", frozenset({"admins"})),
                identities.create_user("lea", frozenset({"ml-leads"})),
                identities.create_user("sam", frozenset({"data-scientists"})),
                identities.create_user("sue", frozenset({"data-scientists"})),
                identities.create_user("rea"),
                identities.accounts.create_service_principal("robot", "sam"),
            ]
            for account in accounts:
                self.ids[account.name] = account.id
                self.tokens[account.name] = identities.create_token(account, "for tests")
            self.robot_id = accounts[-1].application_id or ""

    def caller(self, name: str) -> Caller:
        """As a token of this one authenticates."""
        return Authenticator(self.database, self.clock)(self.tokens[name])

    @contextmanager
    def access(self, name: str) -> Iterator[Access]:
        with self.database.reading() as connection:
            yield Access(connection, self.caller(name))


class Doors(World):
    """The same behind a real server."""

    @contextmanager
    def open(self) -> Iterator["Doors"]:
        routes = Routes(self.database)
        permissions.add_routes(routes, self.database, FakeObjects())
        grants.add_routes(routes, FakeObjects())
        path = "/.well-known/databricks-config"
        app = application(
            [*routes.routes, Route(path, _well_known)],
            authenticate=Authenticator(self.database, self.clock),
            is_public=lambda asked: asked == path,
            workspace_id="1",
        )
        with LiveApp(app) as live:
            self.url = live.url
            yield self

    def sdk(self, name: str) -> WorkspaceClient:
        """The official client of one of them."""
        return WorkspaceClient(host=self.url, token=self.tokens[name])

    @cached_property
    def root(self) -> WorkspaceClient:
        return self.sdk("root")

    @cached_property
    def sam(self) -> WorkspaceClient:
        return self.sdk("sam")

    def send(self, method: str, path: str, body: Any = None, *, by: str = "root") -> Answer:
        return request(self.url, method, path, body, {"Authorization": f"Bearer {self.tokens[by]}"})


async def _well_known(_request: Request) -> JSONResponse:
    return JSONResponse({"oidc_endpoint": "http://127.0.0.1/oidc", "workspace_id": "1", "cloud": "aws"})
