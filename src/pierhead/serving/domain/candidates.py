"""The candidate of a pending config: the one entity that is to get traffic and has none yet, or hardly any."""

from collections import Counter
from dataclasses import replace

from pierhead.kit.errors import InvalidArgument
from pierhead.serving.domain.allotment import allot
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, Route, ServedEntity
from pierhead.serving.domain.shares import CANARY_POINTS, in_percent, scaled
from pierhead.serving.domain.workloads import workload


def candidate_of(endpoint: Endpoint) -> ServedEntity:
    """The entity of the pending config that takes traffic and whose version, with these files and environment
    variables, takes at most 5 % in the active config, and less than then.

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
    now, then = _points(active), _points(pending)
    new = [
        entity
        for entity in pending.entities
        for key in [workload(endpoint.id, entity)]
        if pending.points(entity.name) and now[key] <= CANARY_POINTS and now[key] < then[key]
    ]
    if len(new) != 1:
        found = " and ".join(repr(entity.name) for entity in new) or "none"
        raise InvalidArgument(
            f"config version {pending.version} of endpoint {endpoint.name!r} must have exactly one served entity that "
            f"takes more traffic than now, when it takes at most {in_percent(CANARY_POINTS)}, to be ramped up; it has "
            f"{found}"
        )
    return new[0]


def champion_routes(endpoint: Endpoint) -> tuple[Route, ...]:
    """How the active config deals out what is not the candidate's.

    While there is a ramp the candidate gets what the ramp says and no more: what it had before, if anything, is given
    to the others, by their shares.
    """
    active = endpoint.active
    assert active is not None, "only what is live is routed"
    candidate = ramped_candidate(endpoint)
    own = (
        set()
        if candidate is None
        else {
            entity.name
            for entity in active.entities
            if active.points(entity.name) and workload(endpoint.id, entity) == workload(endpoint.id, candidate)
        }
    )
    if not own:
        return active.routes
    others = {route.entity_name: route.points for route in active.routes if route.entity_name not in own}
    shares = dict(zip(others, scaled(list(others.values())), strict=True))
    points = {route.entity_name: shares.get(route.entity_name, 0) for route in active.routes}
    ranges = allot({route.entity_name: route.ranges for route in active.routes}, points)
    return tuple(
        replace(route, points=points[route.entity_name], ranges=ranges[route.entity_name]) for route in active.routes
    )


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


def _points(config: EndpointConfig) -> Counter[str]:
    """What each version has of the traffic, by its workload: entities of one version count together."""
    points: Counter[str] = Counter()
    for entity in config.entities:
        points[workload(config.endpoint_id, entity)] += config.points(entity.name)
    return points
