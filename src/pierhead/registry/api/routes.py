"""All dialects on one registry."""

from collections.abc import Callable

from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.web.routes import Routes
from pierhead.registry.api.catalog import CatalogModels, CatalogVersions
from pierhead.registry.api.comments import VersionComments
from pierhead.registry.api.downloads import Downloads
from pierhead.registry.api.gated import GatedCalls
from pierhead.registry.api.oss_models import OssModels
from pierhead.registry.api.oss_versions import OssVersions
from pierhead.registry.api.policies import PolicyCalls
from pierhead.registry.api.promotions import PromotionCalls
from pierhead.registry.api.transition_requests import TransitionRequests
from pierhead.registry.api.uc import UnityCatalogModels, UnityCatalogVersions
from pierhead.registry.api.webhooks import WebhookCalls
from pierhead.registry.services.gatekeeping import GateSources
from pierhead.registry.services.registration import Registrations
from pierhead.registry.services.webhook_sender import WebhookSender


def add_routes(  # noqa: PLR0913  # everything that doors are made of
    routes: Routes,
    *,
    database: Database,
    clock: Clock,
    artifacts: ArtifactStore,
    registrations: Registrations,
    gate: GateSources,
    sender: WebhookSender,
    key: bytes,
    external_names: Callable[[], frozenset[str]] = frozenset,
) -> None:
    """`key` signs download addresses; what `downloads.is_public` names must be let through without a token.

    `external_names` are the systems outside that can be asked.
    """
    gated = GatedCalls(database, gate)
    OssModels(clock, registrations, gated).add_routes(routes)
    OssVersions(clock, registrations, gated).add_routes(routes)
    Downloads(clock, artifacts, key).add_routes(routes)
    UnityCatalogModels(clock, registrations, gated).add_routes(routes)
    UnityCatalogVersions(clock, registrations).add_routes(routes)
    CatalogModels(clock, registrations, gated).add_routes(routes)
    CatalogVersions(clock, registrations).add_routes(routes)
    TransitionRequests(clock, gated).add_routes(routes)
    VersionComments(clock).add_routes(routes)
    PromotionCalls(clock, gated).add_routes(routes)
    PolicyCalls(clock, gated, gate, external_names).add_routes(routes)
    WebhookCalls(database, clock, sender).add_routes(routes)
