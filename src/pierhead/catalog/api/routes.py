"""All doors of the area at once."""

from pierhead.catalog.api import discovery, files, multipart, refused, signed
from pierhead.catalog.api.signed import Signatures
from pierhead.catalog.services.mounts import Mounts
from pierhead.catalog.services.uploads import Uploads
from pierhead.kit.web.routes import Routes


def add_routes(routes: Routes, mounts: Mounts, uploads: Uploads, signatures: Signatures, *, workspace_id: str) -> None:
    """The file API over `mounts`, signed addresses for it, and discovery."""
    files.add_routes(routes, mounts, uploads)
    multipart.add_routes(routes, mounts, uploads, signatures)
    signed.add_routes(routes, mounts, uploads, signatures)
    discovery.add_routes(routes, workspace_id=workspace_id)
    refused.add_routes(routes)
