"""Catalogs, tables and volumes behind a real server, with users and their rights in a real database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from databricks.sdk import WorkspaceClient
from sqlalchemy import Connection

from harness.asgi import LiveApp
from harness.furnishing import furnish
from harness.http import Answer
from pierhead.catalog.api import PUBLIC_PREFIXES, unity
from pierhead.catalog.api import routes as catalog_routes
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.places import Inhabited
from pierhead.catalog.services import places
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.mounts import Mount, Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.catalog.services.volume_tree import VolumeTree
from pierhead.identity.services.accounts import Authenticator, Identities
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.home import Home
from pierhead.kit.web.app import application
from pierhead.kit.web.routes import Routes

USERS = {
    "ada": frozenset({"admins"}),
    "sam": frozenset({"data-scientists"}),
    "sue": frozenset({"data-scientists"}),
    "rob": frozenset[str](),
}
"""An admin, two scientists, and somebody in no group."""


class Models:
    """The catalog's `Inhabitants`, by hand."""

    def __init__(self) -> None:
        self.places: list[Inhabited] = []

    def put(self, schema: str, first_by: str, at: datetime, models: int = 1) -> None:
        self.places.append(Inhabited(SchemaName.parse(schema), models, first_by, at))

    def list(self, connection: Connection, catalog: str | None = None) -> Sequence[Inhabited]:
        return [place for place in self.places if catalog in (None, place.schema.catalog)]


@dataclass(frozen=True)
class Unity:
    live: LiveApp
    database: Database
    grounds: Grounds
    models: Models
    tokens: dict[str, str]

    @property
    def home(self) -> Home:
        return self.grounds.home

    def client(self, user: str) -> WorkspaceClient:
        return WorkspaceClient(host=self.live.url, token=self.tokens[user], auth_type="pat")

    def ask(self, user: str, method: str, path: str, body: bytes | None = None) -> Answer:
        return self.live.request(method, path, {"Authorization": f"Bearer {self.tokens[user]}"}, body)


def make_unity(folder: Path, database: Database, clock: Clock, models: Models) -> Unity:
    """The home is `folder/home`. The server starts with the `with` block of `live`."""
    home = Home(folder / "home")
    home.create()
    grounds = Grounds(home, clock, models)
    with database.transaction() as connection:
        identities = Identities(connection, clock)
        furnish(connection)
        tokens = {
            name: identities.create_token(identities.create_user(name, groups), "test")
            for name, groups in USERS.items()
        }
        places.set_up(connection, grounds)
    routes = Routes(database)
    volumes = VolumeTree(database)
    catalog_routes.add_routes(
        routes,
        Mounts({"Volumes": Mount(volumes, volumes.check)}),
        Uploads(home.uploads, clock),
        Signatures(b"k" * 32, clock),
        workspace_id="42",
    )
    unity.add_routes(routes, database, grounds, workspace_id="42", metastore_id="meta")
    live = LiveApp(
        application(
            routes.routes,
            authenticate=Authenticator(database, clock),
            is_public=lambda path: path.startswith(PUBLIC_PREFIXES),
            workspace_id="42",
        )
    )
    return Unity(live, database, grounds, models, tokens)
