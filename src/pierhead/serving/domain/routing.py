"""From what is seen to what gateways should know."""

from collections.abc import Mapping, Sequence

from pierhead.identity.domain.querying import Queryable
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig
from pierhead.serving.domain.reconcile import config_to_route
from pierhead.serving.domain.snapshot import Capture, EndpointRoute, EntityRoute, Principal, Snapshot
from pierhead.serving.domain.workers import WorkerObservation
from pierhead.serving.domain.workloads import workload


def route_endpoint(
    endpoint: Endpoint, kept: Mapping[str, Sequence[WorkerObservation]], queryable: Queryable
) -> EndpointRoute:
    """Where an endpoint's invocations go, and whose; `kept` is the workers of each workload that stay."""
    groups = None if queryable.everybody else queryable.groups
    config = config_to_route(endpoint, kept)
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
    return EndpointRoute(
        name=endpoint.name,
        endpoint_id=endpoint.id,
        config_version=config.version,
        entities=_entity_routes(config, kept),
        capture=None if table is None else Capture(table),
        query_groups=groups,
        query_users=queryable.principal_ids,
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


def _entity_routes(config: EndpointConfig, kept: Mapping[str, Sequence[WorkerObservation]]) -> list[EntityRoute]:
    return [
        EntityRoute(
            name=entity.name,
            entity_id=entity.id,
            model_name=entity.model_name,
            model_version=entity.model_version,
            weight=config.weight(entity.name),
            sockets=sorted(
                str(worker.socket) for worker in kept.get(workload(config.endpoint_id, entity), ()) if worker.is_ready
            ),
        )
        for entity in config.entities
    ]


def _reason_nothing_is_live(endpoint: Endpoint) -> str:
    if endpoint.failed is not None:
        return f"the deployment of endpoint {endpoint.name!r} failed: {endpoint.failed.failure}"
    return f"endpoint {endpoint.name!r} is being deployed: its first config is not ready yet"
