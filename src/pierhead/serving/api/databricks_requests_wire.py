"""What Databricks' clients send about serving endpoints, in the old words (served models) and the new (entities)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pierhead.serving.api.reader_wire import Fields, Reader
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import AiGateway, EntitySpec, Route, Tag
from pierhead.serving.domain.rate_limits import CallLimit, LimitKey
from pierhead.serving.domain.shares import POINTS_PER_PERCENT

_ENDPOINT_NOT_YET = {
    "email_notifications": "notifications are not implemented yet",
    "budget_policy_id": "budget policies are not implemented",
    "telemetry_config": "telemetry tables are not implemented yet",
    "route_optimized": "every endpoint has the shortest route; leave it out or false",
}
_ENTITY_NOT_YET = {
    "external_model": "external models are not implemented; serve a model version of the registry",
    "burst_scaling_enabled": "burst scaling is not implemented",
    "instance_profile_arn": "instance profiles do not exist on machines of your own",
    "min_provisioned_throughput": "provisioned throughput is not implemented",
    "max_provisioned_throughput": "provisioned throughput is not implemented",
    "provisioned_model_units": "provisioned throughput is not implemented",
}
_AI_GATEWAY_NOT_YET = {
    "fallback_config": "fallbacks are not implemented yet",
    "guardrails": "guardrails are not implemented",
}
_ENTITY = (
    "name",
    "workload_size",
    "workload_type",
    "scale_to_zero_enabled",
    "environment_vars",
    "min_provisioned_concurrency",
    "max_provisioned_concurrency",
)
_CONFIG = ("served_entities", "served_models", "traffic_config", "auto_capture_config")
_CAPTURE = ("catalog_name", "schema_name", "table_name_prefix", "enabled")
_AI_GATEWAY = ("inference_table_config", "usage_tracking_config", "rate_limits")
_RATE_LIMIT = ("calls", "key", "principal", "renewal_period")
_RATE_LIMIT_NOT_YET = {"tokens": "models here have no tokens to count"}

_KEYS = {key.value: key for key in LimitKey}

_SECRET = re.compile(r"\{\{\s*secrets/.*\}\}")


@dataclass(frozen=True, slots=True)
class CreateRequest:
    name: str
    draft: ConfigDraft
    description: str | None
    tags: tuple[Tag, ...]
    ai_gateway: AiGateway | None


def read_create(params: Mapping[str, Any]) -> CreateRequest:
    """Raises InvalidArgument with all problems, or NotImplementedYet with all fields that are not implemented."""
    reader = Reader()
    known = ("name", "config", "tags", "description", "ai_gateway", "rate_limits")
    fields = reader.open(params, "endpoint", known, _ENDPOINT_NOT_YET)
    name = fields.required_text("name")
    draft = ConfigDraft()
    if fields.find("config") is None:
        reader.problems.append("endpoint needs a config with served_entities")
    else:
        config = reader.open(fields.find("config"), "config", ("name", *_CONFIG))
        if config.find("name") not in (None, name):
            reader.problems.append(f"config.name {config.find('name')!r} is not the endpoint's name {name!r}")
        draft = _draft(reader, config)
    request = CreateRequest(
        name=name,
        draft=draft,
        description=fields.text("description"),
        tags=_tags(reader, fields.items("tags"), "tags"),
        ai_gateway=_first_ai_gateway(reader, fields),
    )
    reader.finish()
    return request


def read_update(params: Mapping[str, Any]) -> ConfigDraft:
    """Raises InvalidArgument or NotImplementedYet, as `read_create`."""
    reader = Reader()
    draft = _draft(reader, reader.open(params, "config", ("name", *_CONFIG)))
    if draft == ConfigDraft():
        reader.problems.append(f"an update needs at least one of {', '.join(_CONFIG)}")
    reader.finish()
    return draft


def read_tags(params: Mapping[str, Any]) -> tuple[tuple[Tag, ...], tuple[str, ...]]:
    """Tags to set, and keys of tags to take away. Raises InvalidArgument."""
    reader = Reader()
    fields = reader.open(params, "request", ("name", "add_tags", "delete_tags"))
    added = _tags(reader, fields.items("add_tags"), "add_tags")
    deleted = fields.items("delete_tags")
    if not all(isinstance(key, str) for key in deleted):
        reader.problems.append("delete_tags must be a list of keys")
    reader.finish()
    return added, tuple(deleted)


def read_ai_gateway(params: Mapping[str, Any]) -> AiGateway:
    """Raises InvalidArgument or NotImplementedYet, as `read_create`."""
    reader = Reader()
    ai_gateway = _ai_gateway(reader, params, ("name",))
    reader.finish()
    return ai_gateway


def read_rate_limits(params: Mapping[str, Any]) -> tuple[CallLimit, ...]:
    """The limits of the older call, which knows only those. Raises InvalidArgument."""
    reader = Reader()
    limits = _rate_limits(reader, reader.open(params, "request", ("name", "rate_limits")))
    reader.finish()
    return limits


def _draft(reader: Reader, fields: Fields) -> ConfigDraft:
    capture = fields.find("auto_capture_config")
    return ConfigDraft(
        entities=_entities(reader, fields),
        routes=_routes(reader, fields),
        capture=None if capture is None else _capture(reader, capture, "auto_capture_config"),
    )


def _entities(reader: Reader, fields: Fields) -> tuple[EntitySpec, ...] | None:
    new, old = fields.items("served_entities"), fields.items("served_models")
    if new and old:
        reader.problems.append(f"{fields.where} has served_entities and served_models: give one of them")
    if new:
        return tuple(_entity(reader, item, f"served_entities[{i}]", "entity") for i, item in enumerate(new))
    if old:
        return tuple(_entity(reader, item, f"served_models[{i}]", "model") for i, item in enumerate(old))
    return None


def _entity(reader: Reader, item: object, where: str, word: str) -> EntitySpec:
    name_key, version_key = f"{word}_name", f"{word}_version"
    fields = reader.open(item, where, (name_key, version_key, *_ENTITY), _ENTITY_NOT_YET)
    is_external = bool(fields.find("external_model"))
    model_name = "" if is_external else fields.required_text(name_key)
    if model_name.startswith("system.ai."):
        reader.not_yet.append(f"{where}.{name_key}: foundation models of system.ai are not implemented")
    workload_type = fields.text("workload_type")
    if workload_type not in (None, "CPU"):
        reader.not_yet.append(f"{where}.workload_type: {workload_type} is not implemented, only CPU is")
    environment_vars = fields.texts("environment_vars")
    for variable, value in (environment_vars or {}).items():
        if _SECRET.search(value):
            reader.not_yet.append(f"{where}.environment_vars.{variable}: references to secrets are not implemented yet")
    return EntitySpec(
        model_name=model_name,
        model_version="" if is_external else fields.required_text(version_key),
        name=fields.text("name"),
        workload_size=fields.text("workload_size"),
        workload_type=workload_type,
        scale_to_zero_enabled=fields.flag("scale_to_zero_enabled"),
        environment_vars=environment_vars,
        min_provisioned_concurrency=fields.integer("min_provisioned_concurrency"),
        max_provisioned_concurrency=fields.integer("max_provisioned_concurrency"),
    )


def _routes(reader: Reader, fields: Fields) -> tuple[Route, ...] | None:
    if fields.find("traffic_config") is None:
        return None
    items = reader.open(fields.find("traffic_config"), "traffic_config", ("routes",)).items("routes")
    return tuple(_route(reader, item, f"routes[{i}]") for i, item in enumerate(items)) or None


def _route(reader: Reader, item: object, where: str) -> Route:
    fields = reader.open(item, where, ("served_model_name", "served_entity_name", "traffic_percentage"))
    old, new = fields.text("served_model_name"), fields.text("served_entity_name")
    if old and new and old != new:
        reader.problems.append(f"{where} names {old!r} as served_model_name and {new!r} as served_entity_name")
    if not (old or new):
        reader.problems.append(f"{where} needs a served_entity_name")
    weight = fields.integer("traffic_percentage")
    if weight is None and fields.find("traffic_percentage") is None:
        reader.problems.append(f"{where} needs a traffic_percentage")
    return Route(new or old or "", (weight or 0) * POINTS_PER_PERCENT)


def _capture(reader: Reader, value: object, where: str) -> CaptureConfig:
    fields = reader.open(value, where, _CAPTURE)
    return CaptureConfig(
        catalog=fields.text("catalog_name"),
        schema=fields.text("schema_name"),
        table_name_prefix=fields.text("table_name_prefix"),
        enabled=fields.flag("enabled"),
    )


def _ai_gateway(reader: Reader, value: object, also_known: Sequence[str]) -> AiGateway:
    fields = reader.open(value, "ai_gateway", (*_AI_GATEWAY, *also_known), _AI_GATEWAY_NOT_YET)
    table, tracking = fields.find("inference_table_config"), fields.find("usage_tracking_config")
    return AiGateway(
        inference_table=None if table is None else _capture(reader, table, "inference_table_config"),
        is_usage_tracked=None
        if tracking is None
        else reader.open(tracking, "usage_tracking_config", ("enabled",)).flag("enabled") or False,
        rate_limits=_rate_limits(reader, fields),
    )


def _first_ai_gateway(reader: Reader, fields: Fields) -> AiGateway | None:
    """Limits may be given in the old place and in the new one."""
    value, old = fields.find("ai_gateway"), _rate_limits(reader, fields)
    if value is None:
        return AiGateway(rate_limits=old) if old else None
    ai_gateway = _ai_gateway(reader, value, ())
    if old and ai_gateway.rate_limits:
        reader.problems.append("rate_limits are given twice: for the endpoint and in its ai_gateway")
    return replace(ai_gateway, rate_limits=ai_gateway.rate_limits or old)


def _rate_limits(reader: Reader, fields: Fields) -> tuple[CallLimit, ...]:
    items = fields.items("rate_limits")
    return tuple(_rate_limit(reader, item, f"{fields.where}.rate_limits[{i}]") for i, item in enumerate(items))


def _rate_limit(reader: Reader, item: object, where: str) -> CallLimit:
    fields = reader.open(item, where, _RATE_LIMIT, _RATE_LIMIT_NOT_YET)
    period, calls = fields.text("renewal_period"), fields.integer("calls")
    if period != "minute":
        reader.problems.append(f"{where}.renewal_period must be 'minute', not {period!r}")
    if calls is None and not fields.find("tokens"):
        reader.problems.append(f"{where} needs calls")
    named = fields.text("key") or LimitKey.ENDPOINT.value
    if named not in _KEYS:
        reader.problems.append(f"{where}.key {named!r} is not one of {', '.join(_KEYS)}")
    return CallLimit(calls or 0, _KEYS.get(named, LimitKey.ENDPOINT), fields.text("principal"))


def _tags(reader: Reader, items: Sequence[object], where: str) -> tuple[Tag, ...]:
    fields = [reader.open(item, f"{where}[{i}]", ("key", "value")) for i, item in enumerate(items)]
    return tuple(Tag(tag.required_text("key"), tag.text("value")) for tag in fields)
