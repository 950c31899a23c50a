"""An application of the catalog's and tracking's doors, for one known token. Arguments: home, listening descriptor."""

import socket
import sys
from pathlib import Path

import uvicorn

from pierhead.catalog.api import PUBLIC_PREFIXES
from pierhead.catalog.api import routes as catalog_routes
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.services.mounts import Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import Unauthenticated
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.home import Home
from pierhead.kit.signing import load_key
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes
from pierhead.tracking.adapters.workspace_tree import WorkspaceTree
from pierhead.tracking.api import routes as tracking_routes
from pierhead.tracking.services.child import Child


def authenticate(token: str) -> Caller:
    if token != "good":
        raise Unauthenticated("no such token")
    return Caller("1", "ada", frozenset({"data-scientists"}))


def main(root: str, listen_fd: str) -> None:
    home = Home(Path(root))
    clock = SystemClock()
    artifacts = FolderTree(home.artifacts)
    versions = FolderTree(home.store)
    uploads = Uploads(home.uploads, clock)
    signatures = Signatures(load_key(home.secret_key), clock)
    routes = Routes(Database(sqlite_url(home.database)))
    mounts = Mounts({"WorkspaceInternal/Mlflow/Artifacts": WorkspaceTree(artifacts), "Models": versions})
    catalog_routes.add_routes(routes, mounts, uploads, signatures, workspace_id="4242")
    tracking_routes.add_routes(
        routes, Mounts({"": artifacts, "registered-models": versions}), uploads, signatures, Child(home.tracking_socket)
    )
    app = application(
        routes.routes,
        authenticate=authenticate,
        is_public=lambda path: path.startswith(PUBLIC_PREFIXES),
        workspace_id="4242",
    )
    listener = socket.socket(fileno=int(listen_fd))
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, ws="none")).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
