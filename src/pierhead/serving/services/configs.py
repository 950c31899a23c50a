"""Configs as they are made, before anybody has seen them run."""

from collections.abc import Mapping
from datetime import datetime

from pierhead.kit.ids import new_id
from pierhead.serving.domain.drafts import SettledConfig, dealt_out
from pierhead.serving.domain.endpoints import ConfigStatus, Endpoint, EndpointConfig, EntitySpec, ServedEntity
from pierhead.serving.domain.shares import in_percent


def first_config(
    endpoint_id: str, settled: SettledConfig, digests: Mapping[str, str], creator: str, now: datetime
) -> EndpointConfig:
    """The pending config of a new endpoint; `digests` of the entities' versions by entity name."""
    entities = tuple(ServedEntity(new_id(), name, spec, digests[name]) for name, spec in settled.entities.items())
    routes = dealt_out(settled.routes, None)
    return EndpointConfig(endpoint_id, 1, ConfigStatus.PENDING, entities, routes, settled.capture, creator, now)


def next_config(
    endpoint: Endpoint, settled: SettledConfig, digests: Mapping[str, str], creator: str, now: datetime
) -> EndpointConfig:
    """The pending config after the endpoint's newest one. Entities that stay what they are keep their ids."""
    known = {entity.name: entity for entity in base_of(endpoint).entities}

    def entity(name: str, spec: EntitySpec) -> ServedEntity:
        old = known.get(name)
        if old is not None and (old.spec, old.digest) == (spec, digests[name]):
            return old
        return ServedEntity(new_id(), name, spec, digests[name])

    return EndpointConfig(
        endpoint.id,
        endpoint.newest.version + 1,
        ConfigStatus.PENDING,
        tuple(entity(name, spec) for name, spec in settled.entities.items()),
        dealt_out(settled.routes, endpoint.active),
        settled.capture,
        creator,
        now,
    )


def base_of(endpoint: Endpoint) -> EndpointConfig:
    """The config that an update starts from."""
    return endpoint.active or endpoint.newest


def settled_of(config: EndpointConfig) -> SettledConfig:
    return SettledConfig({entity.name: entity.spec for entity in config.entities}, config.routes, config.capture)


def describe(config: EndpointConfig) -> str:
    """For people, in the list of events."""
    entities = ", ".join(
        f"{entity.name} ({entity.model_name} version {entity.model_version}, {in_percent(config.points(entity.name))})"
        for entity in config.entities
    )
    return f"config version {config.version}: {entities}"
