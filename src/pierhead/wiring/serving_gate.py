"""Serving's gate, filled by the registry."""

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.kit.errors import NotFound
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.gate import EndpointTarget, StageTarget
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.names import version_number
from pierhead.registry.domain.stages import Stage
from pierhead.registry.services.gatekeeping import Gate, GateSources
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.versions import Versions
from pierhead.serving.domain.endpoints import Endpoint

_Served = set[tuple[str, str]]


class RegistryServingGate:
    """Serving's `ServingGate`.

    Who serves a model must be allowed to read it; a gated endpoint serves only what its policy lets in; and only who
    may take a version out of Production makes a gated endpoint an open one.
    """

    def __init__(self, sources: GateSources) -> None:
        self._sources = sources

    def require(self, connection: Connection, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
        gate = Gate(connection, caller, self._sources)
        served, known = _served(after), _served(before) if before else set()
        rights = ModelRights(connection, caller)
        for name in sorted({name for name, _ in served - known}):
            rights.require(Action.READ, name)
        target, former = _target(after), _target(before) if before else None
        is_new_config = before is None or before.newest.version != after.newest.version
        for name, number in sorted(served):
            was_gated = former is not None and gate.is_gated(name, former)
            # A new config is judged as a whole: what has left Production since does not come along.
            if gate.is_gated(name, target) and (is_new_config or not was_gated):
                gate.require(self._version(connection, name, number), target)
        if former is not None:
            self._require_opening(connection, gate, known, former, target)

    def _require_opening(
        self, connection: Connection, gate: Gate, known: _Served, former: EndpointTarget, target: EndpointTarget
    ) -> None:
        for name, number in sorted(known):
            if gate.is_gated(name, former) and not gate.is_gated(name, target):
                try:
                    version = self._version(connection, name, number)
                except NotFound:
                    # Deleting it took the same right.
                    continue
                gate.require_leaving(version, StageTarget(Stage.PRODUCTION))

    def _version(self, connection: Connection, name: str, number: str) -> ModelVersion:
        return Versions(connection, self._sources.clock).get(name, version_number(number))


def _served(endpoint: Endpoint) -> _Served:
    return {(entity.model_name, entity.model_version) for entity in endpoint.newest.entities}


def _target(endpoint: Endpoint) -> EndpointTarget:
    return EndpointTarget(endpoint.name, {tag.key: tag.value or "" for tag in endpoint.tags})
