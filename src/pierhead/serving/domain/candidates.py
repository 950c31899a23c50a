"""The candidate of a pending config: the one entity that is to get traffic and has none yet."""

from pierhead.kit.errors import InvalidArgument
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, ServedEntity
from pierhead.serving.domain.workloads import workload


def candidate_of(endpoint: Endpoint) -> ServedEntity:
    """The entity of the pending config that takes traffic and whose version, with these files and environment
    variables, takes none in the active config.

    Raises InvalidArgument if there is none, or more than one, or no pending or no active config.
    """
    active, pending = endpoint.active, endpoint.pending
    if pending is None:
        raise InvalidArgument(f"endpoint {endpoint.name!r} is not being updated: there is nothing to ramp up")
    if active is None:
        raise InvalidArgument(
            f"nothing is live at endpoint {endpoint.name!r} yet, so there is nothing to ramp up from: its first config "
            "goes live as soon as it is ready"
        )
    live = {workload(endpoint.id, entity) for entity in active.entities if active.points(entity.name)}
    new = [
        entity
        for entity in pending.entities
        if pending.points(entity.name) and workload(endpoint.id, entity) not in live
    ]
    if len(new) != 1:
        found = " and ".join(repr(entity.name) for entity in new) or "none"
        raise InvalidArgument(
            f"config version {pending.version} of endpoint {endpoint.name!r} must have exactly one served entity that "
            f"takes traffic and takes none now, to be ramped up; it has {found}"
        )
    return new[0]


def ramped_candidate(endpoint: Endpoint) -> ServedEntity | None:
    """The candidate while there is a ramp."""
    return None if endpoint.ramp is None else candidate_of(endpoint)


def candidate_route_name(endpoint: Endpoint) -> str:
    """What gateways call the candidate of the pending config. Raises as `candidate_of`."""
    candidate = candidate_of(endpoint)
    assert endpoint.active is not None, "there is a candidate"
    if endpoint.active.find_entity(candidate.name) is None:
        return candidate.name
    return versioned(candidate.name, endpoint.newest.version)


def route_name(endpoint: Endpoint, config: EndpointConfig, entity: ServedEntity) -> str:
    """What gateways call an entity of the active or the pending config, and what its calls are counted under."""
    if endpoint.ramp is None or config.is_active or entity.name != candidate_of(endpoint).name:
        return entity.name
    return candidate_route_name(endpoint)


def versioned(name: str, config_version: int) -> str:
    """The name of a candidate whose own name is taken; no served entity may be called that."""
    return f"{name}@{config_version}"
