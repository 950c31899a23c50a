"""The api process: every door of the control plane."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from pierhead.catalog.api import PUBLIC_PREFIXES
from pierhead.catalog.api import routes as catalog
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.services.mounts import Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.identity.api import me as identity
from pierhead.identity.services.accounts import Authenticator
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import SystemClock
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.kit.signing import load_key
from pierhead.kit.web.app import application
from pierhead.kit.web.routes import Routes
from pierhead.monitoring.api import routes as monitoring
from pierhead.registry.api import downloads
from pierhead.registry.api import routes as registry
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.tree import BY_NAME, BY_PARTS, RegistryTree
from pierhead.serving.adapters.snapshot_file import SnapshotFile
from pierhead.serving.api import routes as serving
from pierhead.tracking.adapters.sources import TrackedSources
from pierhead.tracking.adapters.workspace_tree import WorkspaceTree
from pierhead.tracking.api import routes as tracking
from pierhead.tracking.services.child import Child
from pierhead.wiring.shared import RegistryVersions, open_database

_DRAFTS_LIVE = timedelta(days=1)
_SWEEP_EVERY_S = 3600

log = structlog.get_logger()


def api(settings: Settings, home: Home) -> Starlette:
    """The whole web application."""
    clock = SystemClock()
    database = open_database(settings, home)
    key = load_key(home.secret_key)
    workspace_id = workspace_id_of(key)

    artifacts = ArtifactStore(home.store)
    runs = FolderTree(home.artifacts)
    uploads = Uploads(home.uploads, clock)
    signatures = Signatures(key, clock)
    child = Child(home.tracking_socket)
    sources = TrackedSources(home.artifacts, home.tracking_socket)
    registrations = Registrations(database, clock, artifacts, sources, home.pending)
    files = Mounts(
        {
            "WorkspaceInternal/Mlflow/Artifacts": WorkspaceTree(runs),
            "Models": RegistryTree(database, artifacts, home.pending, BY_PARTS),
        }
    )
    mlflow_files = Mounts({"": runs, "registered-models": RegistryTree(database, artifacts, home.pending, BY_NAME)})

    routes = Routes(database)
    identity.add_routes(routes)
    catalog.add_routes(routes, files, uploads, signatures, workspace_id=workspace_id)
    registry.add_routes(
        routes, database=database, clock=clock, artifacts=artifacts, registrations=registrations, key=key
    )
    serving.add_routes(
        routes,
        database=database,
        clock=clock,
        versions=RegistryVersions(database, clock, artifacts, home.models),
        snapshots=SnapshotFile(home.snapshot),
        log_folder=home.logs,
        gateways_folder=home.run / "gateways",
    )
    monitoring.add_routes(routes, spool=home.spool, tables=home.tables)
    # MLflow's http clients print links below the root.
    routes.add_plain("GET", "/", lambda _call: RedirectResponse("/mlflow/"), prefixes=("",))
    # Last: it takes everything under MLflow's prefixes that nobody took before.
    tracking.add_routes(routes, mlflow_files, uploads, signatures, child)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        def sweep() -> None:
            uploads.sweep(_DRAFTS_LIVE)
            artifacts.sweep(home.models, clock.now() - _DRAFTS_LIVE)

        sweeping = asyncio.create_task(_again_and_again(sweep))
        yield
        sweeping.cancel()
        await child.close()
        database.dispose()

    return application(
        routes.routes,
        authenticate=Authenticator(database, clock),
        is_public=is_public,
        workspace_id=workspace_id,
        lifespan=lifespan,
    )


async def _again_and_again(sweep: Callable[[], None]) -> None:
    """Every hour from now on; a sweep that fails is told and tried again."""
    while True:
        try:
            await run_in_threadpool(sweep)
        except OSError:
            log.exception("could not remove unfinished files")
        await asyncio.sleep(_SWEEP_EVERY_S)


def is_public(path: str) -> bool:
    """Whether a path needs no token: signed addresses, and discovery, which comes before the first login."""
    return path.startswith(PUBLIC_PREFIXES) or downloads.is_public(path)


def workspace_id_of(key: bytes) -> str:
    """The id that Databricks clients ask for: digits, the same for the life of an installation."""
    return str(int.from_bytes(hashlib.sha256(b"workspace" + key).digest()[:6]))
