"""All dialects on one registry."""

from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.web.routes import Routes
from pierhead.registry.api import later
from pierhead.registry.api.catalog import CatalogModels, CatalogVersions
from pierhead.registry.api.downloads import Downloads
from pierhead.registry.api.oss_models import OssModels
from pierhead.registry.api.oss_versions import OssVersions
from pierhead.registry.api.uc import UnityCatalogModels, UnityCatalogVersions
from pierhead.registry.services.registration import Registrations


def add_routes(
    routes: Routes,
    *,
    database: Database,
    clock: Clock,
    artifacts: ArtifactStore,
    registrations: Registrations,
    key: bytes,
) -> None:
    """`key` signs download addresses; what `downloads.is_public` names must be let through without a token."""
    OssModels(clock, registrations).add_routes(routes)
    OssVersions(clock, registrations).add_routes(routes)
    Downloads(database, clock, artifacts, key).add_routes(routes)
    UnityCatalogModels(clock, registrations).add_routes(routes)
    UnityCatalogVersions(clock, registrations).add_routes(routes)
    CatalogModels(clock, registrations).add_routes(routes)
    CatalogVersions(clock, registrations).add_routes(routes)
    later.add_routes(routes)
