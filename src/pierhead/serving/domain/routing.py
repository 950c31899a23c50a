"""From what is seen to what gateways should know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pierhead.identity.domain.querying import Queryable
from pierhead.serving.domain.allotment import Ranges
from pierhead.serving.domain.candidates import candidate_route_name, champion_routes
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, Route
from pierhead.serving.domain.ramps import Ramp
from pierhead.serving.domain.reconcile import config_to_route
from pierhead.serving.domain.roster import Post, Roster
from pierhead.serving.domain.shares import whole_percents
from pierhead.serving.domain.snapshot import (
    Capture,
    EndpointRoute,
    EntityRoute,
    Principal,
    RampRoute,
    RateLimit,
    Snapshot,
)
from pierhead.serving.domain.tags import timeout_of, unit_of
from pierhead.serving.domain.workloads import Variant


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """What all endpoints have in common: the longest hold of an invocation, the share that is verified (0-1)."""

    hold_timeout_s: float = 300.0
    verify_rate: float = 0.0


def route_endpoint(endpoint: Endpoint, roster: Roster, queryable: Queryable, rules: RoutingRules) -> EndpointRoute:
    """Where an endpoint's invocations go, and whose."""
    groups = None if queryable.everybody else queryable.groups
    config = config_to_route(endpoint, roster)
    if config is None:
        return EndpointRoute(
            name=endpoint.name,
            endpoint_id=endpoint.id,
            config_version=endpoint.newest.version,
            entities=[],
            reason=_reason_nothing_is_live(endpoint),
            query_groups=groups,
            query_users=queryable.principal_ids,
        )
    table = endpoint.capture_table(config)
    is_ramped = endpoint.ramp is not None and config.is_active
    entities = _entity_routes(config, roster, champion_routes(endpoint) if is_ramped else config.routes)
    ramp = None
    if is_ramped and endpoint.ramp is not None:
        candidate = _candidate_route(endpoint, roster)
        ramp = _ramp_route(endpoint.ramp, candidate)
        entities.append(candidate)
    return EndpointRoute(
        name=endpoint.name,
        endpoint_id=endpoint.id,
        config_version=config.version,
        entities=entities,
        capture=None if table is None else Capture(table),
        timeout_s=timeout_of(endpoint.tags),
        hold_timeout_s=rules.hold_timeout_s,
        query_groups=groups,
        query_users=queryable.principal_ids,
        rate_limits=_rate_limits(endpoint),
        verify_rate=rules.verify_rate,
        unit=unit_of(endpoint.tags),
        ramp=ramp,
        observed_by=[observer.id for observer in endpoint.observers],
        observe_rate=max((observer.rate for observer in endpoint.observers), default=1.0),
    )


def next_snapshot(
    previous: Snapshot | None, principals: Mapping[str, Principal], endpoints: Mapping[str, EndpointRoute]
) -> Snapshot:
    """The previous snapshot if nothing changed, else a new one under the next number."""
    if previous is None:
        return Snapshot(1, dict(principals), dict(endpoints))
    if previous.principals == principals and previous.endpoints == endpoints:
        return previous
    return Snapshot(previous.number + 1, dict(principals), dict(endpoints))


def _entity_routes(config: EndpointConfig, roster: Roster, routes: Sequence[Route]) -> list[EntityRoute]:
    percents = whole_percents([route.points for route in routes])
    weights = dict(zip((route.entity_name for route in routes), percents, strict=True))
    ranges = {route.entity_name: route.ranges for route in routes}
    # Whoever takes over has its own name from the moment at which gateways hear of it.
    return [
        _entity_route(name, post, roster, weights.get(name, 0), ranges.get(name, ()))
        for post in roster.posts_of(config)
        for name in [post.entity.name]
    ]


def _candidate_route(endpoint: Endpoint, roster: Roster) -> EntityRoute:
    """Also while it has no worker: then one is coming."""
    name = candidate_route_name(endpoint)
    (post,) = [post for post in roster.posts_of(endpoint.newest) if post.name == name]
    return _entity_route(name, post, roster, weight=0, ranges=())


def _ramp_route(ramp: Ramp, candidate: EntityRoute) -> RampRoute:
    is_there = bool(candidate.sockets)
    # Nobody waits for a candidate: as long as it cannot answer, everybody goes to what is live.
    return RampRoute(
        entity=candidate.name,
        points=ramp.points if is_there else 0,
        salt=ramp.salt,
        shadow_rate=ramp.shadow_rate if is_there else 0.0,
        shadow_timeout_s=ramp.shadow_timeout_s,
        shadow_concurrency=ramp.shadow_concurrency,
        shadow_queue=ramp.shadow_queue,
    )


def _entity_route(name: str, post: Post, roster: Roster, weight: int, ranges: Ranges) -> EntityRoute:
    entity, way = post.entity, roster.answering(post)
    # Whatever answers, a compiled artifact hands back what only the original can do.
    beside = post.companion if way.is_compiled else None
    sockets = _sockets(way, roster)
    return EntityRoute(
        name=name,
        entity_id=entity.id,
        model_name=entity.model_name,
        model_version=entity.model_version,
        weight=weight,
        sockets=sockets,
        is_compiled=way.is_compiled,
        native_sockets=[] if beside is None else _sockets(beside, roster),
        batches=way.batches,
        ranges=list(ranges),
        revision=post.plan.revision if way.is_compiled else "",
        trouble="" if sockets else post.trouble,
    )


def _sockets(way: Variant, roster: Roster) -> list[str]:
    return sorted(str(worker.socket) for worker in roster.ready(way))


def _rate_limits(endpoint: Endpoint) -> list[RateLimit]:
    limits = endpoint.ai_gateway.rate_limits if endpoint.ai_gateway else ()
    return [RateLimit(limit.calls, limit.key.routed, limit.principal) for limit in limits]


def _reason_nothing_is_live(endpoint: Endpoint) -> str:
    if endpoint.failed is not None:
        return f"the deployment of endpoint {endpoint.name!r} failed: {endpoint.failed.failure}"
    return f"endpoint {endpoint.name!r} is being deployed: its first config is not ready yet"
