"""The lineage of a version, put together for one reader."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.bounded_yaml import MOST_BYTES
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import Unavailable
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.lineage import Lineage
from pierhead.registry.domain.models import ModelVersion, Ready
from pierhead.registry.domain.provenance import REQUIREMENTS
from pierhead.registry.services.provenance import Provenances
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.versions import Versions
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.provenance import ProvenanceStore
from pierhead.registry.store.versions import VersionStore

EndpointsServing = Callable[[Connection, Caller, str, int], Sequence[str]]
"""Names of the endpoints that serve a version of a model now, as far as the caller may see them."""


class Lineages:
    """Opens transactions of its own: it looks at the version's run again first."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        artifacts: ArtifactStore,
        provenances: Provenances,
        endpoints_serving: EndpointsServing,
    ) -> None:
        self._database = database
        self._clock = clock
        self._artifacts = artifacts
        self._provenances = provenances
        self._endpoints_serving = endpoints_serving

    def get(self, name: str, number: int, caller: Caller) -> Lineage:
        """Raises NotFound."""
        with self._database.reading() as connection:
            is_ready = isinstance(Versions(connection, self._clock).get(name, number).state, Ready)
        if is_ready:
            with suppress(Unavailable):
                self._provenances.refresh(name, number)
        with self._database.reading() as connection:
            version = Versions(connection, self._clock).get(name, number)
            return Lineage(
                version=version,
                provenance=ProvenanceStore(connection).find(version.id),
                environment=self._environment(version),
                endpoints=tuple(self._endpoints_serving(connection, caller, version.model_name, version.number)),
                copies=tuple(_readable(connection, caller, VersionStore(connection).list_copies(version))),
            )

    def _environment(self, version: ModelVersion) -> dict[str, str]:
        if not isinstance(version.state, Ready):
            return {}
        files = self._artifacts.manifest(version.digest).files
        return {
            file.path: self._artifacts.file(file.sha256).read_text("utf-8", "replace")
            for file in files
            if file.path in REQUIREMENTS and file.size_bytes <= MOST_BYTES
        }


def _readable(connection: Connection, caller: Caller, versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    rights, models = ModelRights(connection, caller), ModelStore(connection)
    return [
        version
        for version in versions
        if (model := models.find_by_id(version.model_id)) is not None and rights.may(Action.READ, model)
    ]
