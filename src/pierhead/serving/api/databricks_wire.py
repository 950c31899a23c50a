"""Endpoints as Databricks' clients read them: every entity in the old words (served models) and in the new ones.

What the client left out is left out again, so that declarative tools see no difference to what they asked for.
"""

from collections.abc import Sequence
from typing import Any

from pierhead.identity.domain.levels import Level
from pierhead.kit.clock import to_ms
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.endpoints import (
    AiGateway,
    Endpoint,
    EndpointConfig,
    EndpointEvent,
    ServedEntity,
    Tag,
)
from pierhead.serving.domain.rate_limits import CallLimit
from pierhead.serving.domain.shares import whole_percents


def detailed(endpoint: Endpoint, base_url: str, level: Level | None) -> dict[str, Any]:
    """`ServingEndpointDetailed`, with the caller's level. A failed config is shown as the pending one until the next
    update."""
    unfinished = endpoint.pending or endpoint.failed
    return _common(endpoint) | _given(
        config=endpoint.active and _config(endpoint, endpoint.active),
        pending_config=unfinished and _config(endpoint, unfinished) | {"start_time": to_ms(unfinished.created_at)},
        endpoint_url=f"{base_url}/serving-endpoints/{endpoint.name}/invocations",
        permission_level=level and level.value,
        route_optimized=False,
    )


def summary(endpoint: Endpoint) -> dict[str, Any]:
    """`ServingEndpoint`, an item of the list."""
    entities = (endpoint.active or endpoint.newest).entities
    return _common(endpoint) | {
        "config": {
            "served_entities": [{"name": entity.name, **_model(entity, "entity")} for entity in entities],
            "served_models": [{"name": entity.name, **_model(entity, "model")} for entity in entities],
        }
    }


def tags(items: Sequence[Tag]) -> list[dict[str, Any]]:
    return [_given(key=tag.key, value=tag.value) for tag in items]


def ai_gateway(value: AiGateway) -> dict[str, Any]:
    tracked = value.is_usage_tracked
    return _given(
        inference_table_config=value.inference_table and _capture(value.inference_table),
        usage_tracking_config=None if tracked is None else {"enabled": tracked},
        rate_limits=rate_limits(value.rate_limits) or None,
    )


def rate_limits(limits: Sequence[CallLimit]) -> list[dict[str, Any]]:
    return [
        _given(calls=limit.calls, key=limit.key.value, principal=limit.principal, renewal_period="minute")
        for limit in limits
    ]


def events(items: Sequence[EndpointEvent]) -> dict[str, Any]:
    return {"events": [{"time_ms": to_ms(e.at), "kind": e.kind, "message": e.message} for e in items]}


def _common(endpoint: Endpoint) -> dict[str, Any]:
    return _given(
        name=endpoint.name,
        id=endpoint.id,
        creator=endpoint.creator,
        description=endpoint.description,
        creation_timestamp=to_ms(endpoint.created_at),
        last_updated_timestamp=to_ms(endpoint.updated_at),
        state=_state(endpoint),
        tags=tags(endpoint.tags) or None,
        ai_gateway=endpoint.ai_gateway and ai_gateway(endpoint.ai_gateway),
    )


def _state(endpoint: Endpoint) -> dict[str, str]:
    """Both keys, always: the SDK's waiter reads `config_update` alone and cannot do without it."""
    if endpoint.pending:
        config_update = "IN_PROGRESS"
    elif endpoint.failed:
        config_update = "UPDATE_FAILED"
    else:
        config_update = "NOT_UPDATING"
    return {"ready": "READY" if endpoint.is_ready else "NOT_READY", "config_update": config_update}


def _config(endpoint: Endpoint, config: EndpointConfig) -> dict[str, Any]:
    percents = whole_percents([route.points for route in config.routes])
    return _given(
        config_version=config.version,
        served_entities=[_entity(config, entity, "entity") for entity in config.entities],
        served_models=[_entity(config, entity, "model") for entity in config.entities],
        traffic_config={
            "routes": [
                {
                    "served_model_name": route.entity_name,
                    "served_entity_name": route.entity_name,
                    "traffic_percentage": percent,
                }
                for route, percent in zip(config.routes, percents, strict=True)
            ]
        },
        auto_capture_config=config.capture and _auto_capture(endpoint, config.capture),
    )


def _entity(config: EndpointConfig, entity: ServedEntity, word: str) -> dict[str, Any]:
    spec, deployment = entity.spec, config.deployment(entity.name)
    return _given(
        name=entity.name,
        **_model(entity, word),
        workload_size=spec.workload_size,
        workload_type=spec.workload_type,
        scale_to_zero_enabled=spec.scale_to_zero_enabled,
        environment_vars=spec.environment_vars,
        min_provisioned_concurrency=spec.min_provisioned_concurrency,
        max_provisioned_concurrency=spec.max_provisioned_concurrency,
        state={
            "deployment": f"DEPLOYMENT_{deployment.state.name}",
            "deployment_state_message": deployment.message,
        },
        creator=config.creator,
        creation_timestamp=to_ms(config.created_at),
    )


def _model(entity: ServedEntity, word: str) -> dict[str, Any]:
    return {f"{word}_name": entity.model_name, f"{word}_version": entity.model_version}


def _capture(capture: CaptureConfig) -> dict[str, Any]:
    return _given(
        catalog_name=capture.catalog,
        schema_name=capture.schema,
        table_name_prefix=capture.table_name_prefix,
        enabled=capture.enabled,
    )


def _auto_capture(endpoint: Endpoint, capture: CaptureConfig) -> dict[str, Any]:
    shown = _capture(capture)
    if capture.is_enabled:
        shown["state"] = {"payload_table": {"name": capture.table_name(endpoint.name), "status": "ACTIVE"}}
    return shown


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that have a value."""
    return {key: value for key, value in fields.items() if value is not None}
