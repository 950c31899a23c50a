"""The api process: every door of the control plane."""

from datetime import timedelta

from starlette.applications import Starlette
from starlette.responses import RedirectResponse

from pierhead.catalog.api import PUBLIC_PREFIXES, unity
from pierhead.catalog.api import routes as catalog
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.services import places
from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.mounts import Mount, Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.catalog.services.volume_tree import VolumeTree
from pierhead.compile.api import routes as compilation
from pierhead.identity.api import audit, grants, permissions
from pierhead.identity.api import routes as identity
from pierhead.identity.services.accounts import Authenticator
from pierhead.identity.services.audit import Denials
from pierhead.identity.services.audit_keys import load_signer
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import SystemClock
from pierhead.kit.db import Database
from pierhead.kit.folder_tree import FolderTree
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.kit.signing import load_key
from pierhead.kit.web.app import application
from pierhead.kit.web.routes import Routes
from pierhead.monitoring.api import alert_queries, alerts, destinations, labels, rows
from pierhead.monitoring.api import routes as monitoring
from pierhead.monitoring.services.alert_deliveries import destination_seal
from pierhead.monitoring.services.label_intake import LabelIntake
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.views import InferenceViews
from pierhead.registry.api import downloads, lineage
from pierhead.registry.api import routes as registry
from pierhead.registry.services.file_rights import FileRights
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.tree import BY_NAME, BY_PARTS, RegistryTree
from pierhead.registry.store.namespaces import ModelNamespaces
from pierhead.rollouts.api import routes as rollouts
from pierhead.serving.adapters.snapshot_file import SnapshotFile
from pierhead.serving.api import routes as serving
from pierhead.tracking.adapters.sources import TrackedSources
from pierhead.tracking.adapters.workspace_tree import WorkspaceTree
from pierhead.tracking.api import routes as tracking
from pierhead.tracking.services.child import Child
from pierhead.tracking.services.rights import ArtifactGuard, ExperimentRights
from pierhead.tracking.services.whereabouts import Whereabouts
from pierhead.wiring.alerts import alert_metrics, is_account, readable_tables, table_owner
from pierhead.wiring.background import Background
from pierhead.wiring.evidence import Knowledge
from pierhead.wiring.inference import masking_key
from pierhead.wiring.monitor_doors import add_monitor_routes
from pierhead.wiring.objects import AreaObjects
from pierhead.wiring.own_api import routes as own_api
from pierhead.wiring.rollouts import rollout_doors, rollout_guard
from pierhead.wiring.serving_gate import RegistryServingGate
from pierhead.wiring.shared import RegistryVersions, open_database
from pierhead.wiring.webhooks import webhook_sender
from pierhead.wiring.workspace import metastore_id_of, workspace_id_of

_DRAFTS_LIVE = timedelta(days=1)


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
    whereabouts = Whereabouts(home.tracking_database)
    experiment_rights = ExperimentRights(database, whereabouts)
    grounds = Grounds(home, clock, ModelNamespaces(), InferenceViews())
    knowledge = Knowledge(database, clock, artifacts, home, grounds)
    registrations = Registrations(
        database,
        clock,
        artifacts,
        TrackedSources(home.artifacts, home.tracking_socket, experiment_rights),
        home.pending,
        knowledge.gate,
        knowledge.provenances,
    )
    volumes = VolumeTree(database)
    files = Mounts(
        {
            "WorkspaceInternal/Mlflow/Artifacts": Mount(WorkspaceTree(runs), ArtifactGuard(experiment_rights)),
            "Models": Mount(
                RegistryTree(database, artifacts, home.pending, BY_PARTS), FileRights(database, BY_PARTS).check
            ),
            "Volumes": Mount(volumes, volumes.check),
        }
    )
    mlflow_files = Mounts(
        {
            "": Mount(runs, ArtifactGuard(experiment_rights)),
            "registered-models": Mount(
                RegistryTree(database, artifacts, home.pending, BY_NAME), FileRights(database, BY_NAME).check
            ),
        }
    )

    routes = Routes(database)
    identity.add_routes(routes, clock=clock)
    audit.add_routes(routes, database)
    catalog.add_routes(routes, files, uploads, signatures, workspace_id=workspace_id)
    metastore_id = metastore_id_of(workspace_id)
    objects = AreaObjects(grounds, whereabouts.experiment)
    permissions.add_routes(routes, database, objects)
    grants.add_routes(routes, objects)
    unity.add_routes(routes, database, grounds, workspace_id=workspace_id, metastore_id=metastore_id)
    registry.add_routes(
        routes,
        database=database,
        clock=clock,
        artifacts=artifacts,
        registrations=registrations,
        gate=knowledge.gate,
        sender=webhook_sender(settings, key),
        key=key,
        external_names=knowledge.external_names,
    )
    lineage.add_routes(routes, knowledge.lineages)
    compilation.add_routes(routes, clock, load_signer(home.audit).verifier)
    versions, gate = RegistryVersions(database, clock, artifacts, home.models), RegistryServingGate(knowledge.gate)
    guard = rollout_guard(clock, versions)
    serving.add_routes(
        routes,
        database=database,
        clock=clock,
        versions=versions,
        gate=gate,
        rollouts=guard,
        snapshots=SnapshotFile(home.snapshot),
        folders=serving.Folders(home.logs, home.run / "gateways"),
    )
    rollouts.add_routes(routes, rollout_doors(database, clock, home, versions, gate, guard))
    monitoring.add_routes(routes, spool=home.spool, tables=home.tables, gateways=home.run / "gateways")
    labels.add_routes(routes, database, LabelIntake(database, grounds, masking_key(home)), Labelled(home.tables))
    rows.add_routes(routes, database, grounds)
    _add_alert_routes(routes, database, home, grounds, key)
    add_monitor_routes(routes, database, home, grounds, metastore_id)
    own_api.add_routes(routes)
    # MLflow's http clients print links below the root.
    routes.add_plain("GET", "/", lambda _call: RedirectResponse("/mlflow/"), prefixes=("",))
    # Last: it takes everything under MLflow's prefixes that nobody took before.
    tracking.add_routes(routes, mlflow_files, uploads, signatures, child, experiment_rights)

    denials = Denials(database, clock)

    def set_up_places() -> None:
        with database.transaction() as connection:
            places.set_up(connection, grounds)

    sweeps = (
        lambda: uploads.sweep(_DRAFTS_LIVE),
        lambda: artifacts.sweep(home.models, clock.now() - _DRAFTS_LIVE),
    )
    return application(
        routes.routes,
        authenticate=Authenticator(database, clock),
        is_public=is_public,
        workspace_id=workspace_id,
        lifespan=Background(database, child, denials, first=set_up_places, sweeps=sweeps),
        on_refusal=denials.record,
    )


def _add_alert_routes(routes: Routes, database: Database, home: Home, grounds: Grounds, key: bytes) -> None:
    clock = grounds.clock
    _, metrics = alert_metrics(database, home)
    alerts.add_routes(routes, alerts.AlertDoors(database, clock, metrics, table_owner(grounds)))
    alert_queries.add_routes(routes, clock, readable_tables(grounds), is_account(clock))
    destinations.add_routes(routes, clock, destination_seal(key))


def is_public(path: str) -> bool:
    """Whether a path needs no token: signed addresses, and discovery, which comes before the first login."""
    return path.startswith(PUBLIC_PREFIXES) or downloads.is_public(path)
