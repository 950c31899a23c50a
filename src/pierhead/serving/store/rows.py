"""Rows to domain objects and back."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Row

from pierhead.serving.domain.allotment import Ranges, in_order
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.endpoints import (
    AiGateway,
    ConfigStatus,
    Deployment,
    DeploymentState,
    Endpoint,
    EndpointConfig,
    EntitySpec,
    Route,
    ServedEntity,
    Tag,
)
from pierhead.serving.domain.ramps import Observer, Ramp
from pierhead.serving.domain.shares import POINTS_PER_PERCENT

_T = TypeVar("_T")


class EndpointRows(NamedTuple):
    """An endpoint's row with its ramp's columns, the rows of its active and its newest config, oldest first, one for
    each entity, and those of its observers.
    """

    endpoint: Row[Any]
    configs: Sequence[Row[Any]]
    observers: Sequence[Row[Any]]


class _StoredRoute(msgspec.Struct):
    """`weight` is percent, and all that releases before hundredths of a percent wrote."""

    entity_name: str
    weight: int = 0
    points: int | None = None
    ranges: Ranges = ()


_TAGS = msgspec.json.Decoder(tuple[Tag, ...])
_AI_GATEWAY = msgspec.json.Decoder(AiGateway)
_ENTITY = msgspec.json.Decoder(EntitySpec)
_CAPTURE = msgspec.json.Decoder(CaptureConfig)
_ROUTES = msgspec.json.Decoder(tuple[_StoredRoute, ...])


def endpoint_of(rows: EndpointRows) -> Endpoint:
    """An endpoint from its rows; there is at least one config."""
    row = rows.endpoint
    configs = [config_of(list(each)) for _, each in groupby(rows.configs, key=lambda each: each.version)]
    active = next((config for config in configs if config.status is ConfigStatus.ACTIVE), None)
    return Endpoint(
        id=row.id,
        name=row.name,
        creator=row.creator,
        description=row.description,
        tags=_TAGS.decode(row.tags),
        ai_gateway=_load_or_none(row.ai_gateway, _AI_GATEWAY),
        created_at=row.created_at,
        updated_at=row.updated_at,
        active=active,
        newest=configs[-1],
        ramp=None if active is None else _ramp_of(row, configs[-1]),
        observers=tuple(Observer(each.observer_id, each.rate) for each in rows.observers),
    )


def config_of(rows: Sequence[Row[Any]]) -> EndpointConfig:
    """One config from its rows joined with its entities', of which there is at least one."""
    row = rows[0]
    return EndpointConfig(
        endpoint_id=row.endpoint_id,
        version=row.version,
        status=ConfigStatus(row.status),
        entities=tuple(ServedEntity(e.entity_id, e.entity_name, _ENTITY.decode(e.spec), e.digest) for e in rows),
        routes=_routes_of(row.routes),
        capture=_load_or_none(row.capture, _CAPTURE),
        creator=row.creator,
        created_at=row.created_at,
        failure=row.failure,
        deployments={e.entity_name: Deployment(DeploymentState(e.deployment), e.deployment_message) for e in rows},
    )


def _routes_of(text: str) -> tuple[Route, ...]:
    stored = _ROUTES.decode(text)
    points = {
        route.entity_name: route.weight * POINTS_PER_PERCENT if route.points is None else route.points
        for route in stored
    }
    meant = in_order(points)
    return tuple(
        Route(each.entity_name, points[each.entity_name], each.ranges or meant[each.entity_name]) for each in stored
    )


def _ramp_of(row: Row[Any], newest: EndpointConfig) -> Ramp | None:
    if row.ramp_config_version != newest.version or newest.status is not ConfigStatus.PENDING:
        return None
    return Ramp(
        config_version=row.ramp_config_version,
        points=row.points,
        shadow_rate=row.shadow_rate,
        salt=row.salt,
        rollout_id=row.rollout_id,
        shadow_timeout_s=row.shadow_timeout_s,
        shadow_concurrency=row.shadow_concurrency,
        shadow_queue=row.shadow_queue,
        is_finished=row.is_finished,
    )


def dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def dump_or_none(value: object | None) -> str | None:
    return None if value is None else dump(value)


def _load_or_none(text: str | None, decoder: msgspec.json.Decoder[_T]) -> _T | None:
    return None if text is None else decoder.decode(text)
