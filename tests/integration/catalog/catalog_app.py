"""The catalog's doors behind a real server, for one known token."""

from pathlib import Path

from harness.asgi import LiveApp
from pierhead.catalog.api import PUBLIC_PREFIXES
from pierhead.catalog.api import routes as catalog_routes
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.services.mounts import Mount, Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import Unauthenticated
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes

TOKEN = "good"


def authenticate(token: str) -> Caller:
    if token != TOKEN:
        raise Unauthenticated("no such token")
    return Caller("1", "ada", frozenset())


def catalog_app(folder: Path, clock: Clock) -> LiveApp:
    """`Models` lies in `folder/tree`."""
    (folder / "uploads").mkdir(exist_ok=True)
    (folder / "tree").mkdir(exist_ok=True)
    routes = Routes(Database(sqlite_url(folder / "unused.db")))
    catalog_routes.add_routes(
        routes,
        Mounts({"Models": Mount(FolderTree(folder / "tree"))}),
        Uploads(folder / "uploads", clock),
        Signatures(b"k" * 32, clock),
        workspace_id="4242",
    )
    return LiveApp(
        application(
            routes.routes,
            authenticate=authenticate,
            is_public=lambda path: path.startswith(PUBLIC_PREFIXES),
            workspace_id="4242",
        )
    )
