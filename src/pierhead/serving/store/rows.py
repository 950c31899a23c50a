"""Rows to domain objects and back."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row

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

_T = TypeVar("_T")


EndpointRows = tuple[Row[Any], list[Row[Any]]]
"""An endpoint's row, and the rows of its active and its newest config, oldest first, one for each entity."""


def endpoint_of(row: Row[Any], config_rows: Sequence[Row[Any]]) -> Endpoint:
    """An endpoint from its rows; there is at least one config."""
    configs = [config_of(list(rows)) for _, rows in groupby(config_rows, key=lambda each: each.version)]
    return Endpoint(
        id=row.id,
        name=row.name,
        creator=row.creator,
        description=row.description,
        tags=load(row.tags, tuple[Tag, ...]),
        ai_gateway=load_or_none(row.ai_gateway, AiGateway),
        created_at=row.created_at,
        updated_at=row.updated_at,
        active=next((config for config in configs if config.status is ConfigStatus.ACTIVE), None),
        newest=configs[-1],
    )


def config_of(rows: Sequence[Row[Any]]) -> EndpointConfig:
    """One config from its rows joined with its entities', of which there is at least one."""
    row = rows[0]
    return EndpointConfig(
        endpoint_id=row.endpoint_id,
        version=row.version,
        status=ConfigStatus(row.status),
        entities=tuple(ServedEntity(e.entity_id, e.entity_name, load(e.spec, EntitySpec), e.digest) for e in rows),
        routes=load(row.routes, tuple[Route, ...]),
        capture=load_or_none(row.capture, CaptureConfig),
        creator=row.creator,
        created_at=row.created_at,
        failure=row.failure,
        deployments={e.entity_name: Deployment(DeploymentState(e.deployment), e.deployment_message) for e in rows},
    )


def dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def dump_or_none(value: object | None) -> str | None:
    return None if value is None else dump(value)


def load(text: str, kind: type[_T]) -> _T:
    return msgspec.json.decode(text, type=kind)


def load_or_none(text: str | None, kind: type[_T]) -> _T | None:
    return None if text is None else load(text, kind)
