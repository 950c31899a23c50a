"""Serving's gate, filled by the registry."""

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action
from pierhead.identity.services.groups import Groups
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.gate import EndpointTarget, StageTarget
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.names import version_number
from pierhead.registry.domain.refusals import GateClosed
from pierhead.registry.domain.stages import Stage
from pierhead.registry.services.gatekeeping import Gate, GateSources
from pierhead.registry.services.rights import ModelRights
from pierhead.registry.services.versions import Versions
from pierhead.serving.domain.endpoints import ConfigStatus, Endpoint, EndpointConfig
from pierhead.serving.domain.rate_limits import LimitKey

_Served = frozenset[tuple[str, str, str]]
"""Name, number and the digest of the files that are served: a name can come to mean another model."""
_NOTHING: _Served = frozenset()
_PRODUCTION = StageTarget(Stage.PRODUCTION)


class RegistryServingGate:
    """Serving's `ServingGate`.

    Who serves a model must be allowed to read it; a gated endpoint serves only what its policy lets in; and only who
    may take a version out of Production takes a gated endpoint out of its policy, or frees its name.
    """

    def __init__(self, sources: GateSources) -> None:
        self._sources = sources

    def require(self, connection: Connection, caller: Caller, before: Endpoint | None, after: Endpoint) -> None:
        gate = Gate(connection, caller, self._sources)
        served, known = _served(after), _served(before) if before else _NOTHING
        rights = ModelRights(connection, caller)
        for name in sorted({name for name, *_ in served - known}):
            rights.require(Action.READ, name)
        target, former = _target(after), _target(before) if before else None
        is_new_config = before is None or before.newest.version != after.newest.version
        # A new config is judged as a whole: what has left Production since does not come along.
        asked = _entities(after.newest) if is_new_config else _NOTHING
        for name, number, digest in sorted(served):
            policy = gate.find_policy(name, target)
            is_other_policy = former is None or gate.find_policy(name, former) != policy
            if policy is not None and ((name, number, digest) in asked or is_other_policy):
                version = self._version(connection, name, number)
                gate.require(version, target)
                _require_same_files(version, digest, after)
        if former is not None:
            self._require_opening(connection, gate, known, former, target)
        _require_groups(connection, self._sources.clock, before, after)

    def require_deletion(self, connection: Connection, caller: Caller, endpoint: Endpoint) -> None:
        gate = Gate(connection, caller, self._sources)
        self._require_opening(connection, gate, _served(endpoint), _target(endpoint), None)

    def _require_opening(
        self, connection: Connection, gate: Gate, known: _Served, former: EndpointTarget, target: EndpointTarget | None
    ) -> None:
        for name, number, _ in sorted(known):
            policy = gate.find_policy(name, former)
            stays = target is not None and gate.find_policy(name, target) == policy
            if policy is not None and not stays:
                try:
                    version = self._version(connection, name, number)
                except NotFound:
                    # It may have been archived before, and deleted by whoever made it.
                    gate.require_leaving_of_gone(name, version_number(number), _PRODUCTION)
                else:
                    gate.require_leaving(version, _PRODUCTION)

    def _version(self, connection: Connection, name: str, number: str) -> ModelVersion:
        return Versions(connection, self._sources.clock).get(name, version_number(number))


def _require_groups(connection: Connection, clock: Clock, before: Endpoint | None, after: Endpoint) -> None:
    """A limit of a group that is none would hold for nobody."""
    asked = _limited_groups(after) - (_limited_groups(before) if before else set())
    missing = sorted(asked - Groups(connection, clock).list_ids(asked).keys()) if asked else []
    if missing:
        names = ", ".join(map(repr, missing))
        raise InvalidArgument(f"there is no group {names} to limit; `pierhead groups list` shows those that there are")


def _limited_groups(endpoint: Endpoint) -> set[str]:
    limits = endpoint.ai_gateway.rate_limits if endpoint.ai_gateway else ()
    return {limit.principal for limit in limits if limit.key is LimitKey.GROUP and limit.principal}


def _require_same_files(version: ModelVersion, digest: str, endpoint: Endpoint) -> None:
    if version.digest != digest:
        raise GateClosed(
            f"endpoint '{endpoint.name}' serves files that are not those of version {version.number} of model "
            f"'{version.model_name}': the name meant another model when they were taken; send its config anew"
        )


def _served(endpoint: Endpoint) -> _Served:
    """What answers now, and what is about to; a config that failed answers nothing beside an active one."""
    active, newest = endpoint.active, endpoint.newest
    if active is None:
        return _entities(newest)
    return _entities(active) | (_NOTHING if newest.status is ConfigStatus.FAILED else _entities(newest))


def _entities(config: EndpointConfig) -> _Served:
    return frozenset((entity.model_name, entity.model_version, entity.digest) for entity in config.entities)


def _target(endpoint: Endpoint) -> EndpointTarget:
    return EndpointTarget(endpoint.name, {tag.key: tag.value or "" for tag in endpoint.tags})
