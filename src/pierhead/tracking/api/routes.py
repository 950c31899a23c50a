"""All doors of the area at once."""

from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.services.mounts import Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.web.routes import Routes
from pierhead.tracking.api import artifact_parts, artifacts, proxy
from pierhead.tracking.services.child import Child
from pierhead.tracking.services.rights import ExperimentRights


def add_routes(
    routes: Routes,
    mounts: Mounts,
    uploads: Uploads,
    signatures: Signatures,
    child: Child,
    rights: ExperimentRights,
) -> None:
    """MLflow's artifact protocol over `mounts`, and everything else of MLflow's that no earlier route took.

    Add these last: the registry's own routes must come first.
    """
    artifacts.add_routes(routes, mounts, uploads)
    artifact_parts.add_routes(routes, mounts, uploads, signatures)
    proxy.add_routes(routes, child, rights)
