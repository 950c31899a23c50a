"""An application of the catalog's and tracking's doors, for a few callers. Arguments: home, listening descriptor.

Nobody may read all experiments but `audrey` and `root`; scientists may write to the default one.
"""

import socket
import sys
from pathlib import Path

import uvicorn

from pierhead.catalog.api import PUBLIC_PREFIXES
from pierhead.catalog.api import routes as catalog_routes
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.services.mounts import Mount, Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.identity.domain.accounts import WORKSPACE_ACCESS
from pierhead.identity.domain.grantees import group
from pierhead.identity.domain.levels import ROOT, Entry, Level
from pierhead.identity.domain.objects import Kind
from pierhead.identity.store.permissions import PermissionStore
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database, metadata, sqlite_url
from pierhead.kit.errors import Unauthenticated
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.home import Home
from pierhead.kit.logs import configure
from pierhead.kit.signing import load_key
from pierhead.kit.web.app import application
from pierhead.kit.web.caller import Caller
from pierhead.kit.web.routes import Routes
from pierhead.tracking.adapters.workspace_tree import WorkspaceTree
from pierhead.tracking.api import routes as tracking_routes
from pierhead.tracking.services.child import Child
from pierhead.tracking.services.rights import ArtifactGuard, ExperimentRights
from pierhead.tracking.services.whereabouts import Whereabouts

_MAKES = frozenset({WORKSPACE_ACCESS})
_SCIENTISTS = frozenset({"data-scientists"})

CALLERS = {
    "good": Caller("1", "ada", _SCIENTISTS, entitlements=_MAKES),
    "mallory": Caller("2", "mallory", _SCIENTISTS, entitlements=_MAKES),
    "eve": Caller("3", "eve", frozenset()),
    "audrey": Caller("4", "audrey", frozenset({"auditors"})),
    "root": Caller("5", "root", frozenset({"admins"})),
}


def authenticate(token: str) -> Caller:
    if token not in CALLERS:
        raise Unauthenticated("no such token")
    return CALLERS[token]


def open_database(home: Home) -> Database:
    database = Database(sqlite_url(home.database))
    metadata.create_all(database.engine)
    with database.transaction() as connection:
        PermissionStore(connection).put(
            (
                Entry(Kind.EXPERIMENT, ROOT, group("auditors"), Level.CAN_READ),
                Entry(Kind.EXPERIMENT, "0", group("data-scientists"), Level.CAN_EDIT),
            )
        )
    return database


def main(root: str, listen_fd: str) -> None:
    home = Home(Path(root))
    configure("api")
    clock = SystemClock()
    artifacts = FolderTree(home.artifacts)
    versions = FolderTree(home.store)
    uploads = Uploads(home.uploads, clock)
    signatures = Signatures(load_key(home.secret_key), clock)
    database = open_database(home)
    routes = Routes(database)
    rights = ExperimentRights(database, Whereabouts(home.tracking_database))
    guard = ArtifactGuard(rights)
    mounts = Mounts(
        {"WorkspaceInternal/Mlflow/Artifacts": Mount(WorkspaceTree(artifacts), guard), "Models": Mount(versions)}
    )
    catalog_routes.add_routes(routes, mounts, uploads, signatures, workspace_id="4242")
    mlflow_mounts = Mounts({"": Mount(artifacts, guard), "registered-models": Mount(versions)})
    tracking_routes.add_routes(routes, mlflow_mounts, uploads, signatures, Child(home.tracking_socket), rights)
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
