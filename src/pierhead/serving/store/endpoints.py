"""Endpoints with their active and newest configs."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, and_, delete, func, insert, or_, select, type_coerce, update
from sqlalchemy.sql.elements import ColumnElement

from pierhead.serving.domain.endpoints import AiGateway, ConfigStatus, Deployment, Endpoint, EndpointConfig, Tag
from pierhead.serving.store.rows import EndpointRows, dump, dump_or_none, endpoint_of
from pierhead.serving.store.tables import (
    endpoint_configs,
    endpoint_observers,
    endpoint_ramps,
    endpoints,
    served_entities,
)

_ENTITY_COLUMNS = (
    served_entities.c.id.label("entity_id"),
    served_entities.c.name.label("entity_name"),
    served_entities.c.spec,
    served_entities.c.digest,
    served_entities.c.deployment,
    served_entities.c.deployment_message,
)
_RAMP_COLUMNS = (
    endpoint_ramps.c.config_version.label("ramp_config_version"),
    *(column for column in endpoint_ramps.c if column.name not in ("endpoint_id", "config_version")),
)

_READ_EVERY = timedelta(seconds=2)


class EndpointStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> Endpoint | None:
        return next(iter(self._load(endpoints.c.name == name)), None)

    def find_locked(self, name: str) -> Endpoint | None:
        """As `find`; nobody else changes the endpoint until the transaction ends."""
        self._connection.execute(select(endpoints.c.id).where(endpoints.c.name == name).with_for_update())
        # Read after the wait: what whoever held the row did is seen.
        return self.find(name)

    def lock(self, endpoint_id: str) -> None:
        """Nobody else changes the endpoint until the transaction ends."""
        self._connection.execute(select(endpoints.c.id).where(endpoints.c.id == endpoint_id).with_for_update())

    def find_by_id(self, endpoint_id: str) -> Endpoint | None:
        return next(iter(self._load(endpoints.c.id == endpoint_id)), None)

    def list_all(self) -> list[Endpoint]:
        """Every endpoint, by name."""
        return self._load(None)

    def add(self, endpoint: Endpoint) -> None:
        """Raises sqlalchemy.exc.IntegrityError if the name is taken."""
        self._connection.execute(
            insert(endpoints).values(
                id=endpoint.id,
                name=endpoint.name,
                creator=endpoint.creator,
                description=endpoint.description,
                tags=dump(endpoint.tags),
                ai_gateway=dump_or_none(endpoint.ai_gateway),
                created_at=endpoint.created_at,
                updated_at=endpoint.updated_at,
            )
        )
        self.add_config(endpoint.newest)

    def add_config(self, config: EndpointConfig) -> None:
        """Raises sqlalchemy.exc.IntegrityError if another request took the version."""
        self._connection.execute(
            insert(endpoint_configs).values(
                endpoint_id=config.endpoint_id,
                version=config.version,
                status=config.status.value,
                routes=dump(config.routes),
                capture=dump_or_none(config.capture),
                creator=config.creator,
                created_at=config.created_at,
                failure=config.failure,
            )
        )
        for position, entity in enumerate(config.entities):
            deployment = config.deployment(entity.name)
            self._connection.execute(
                insert(served_entities).values(
                    endpoint_id=config.endpoint_id,
                    config_version=config.version,
                    name=entity.name,
                    position=position,
                    id=entity.id,
                    model_name=entity.model_name,
                    model_version=entity.model_version,
                    spec=dump(entity.spec),
                    digest=entity.digest,
                    deployment=deployment.state.value,
                    deployment_message=deployment.message,
                )
            )

    def delete(self, endpoint_id: str) -> None:
        self._connection.execute(delete(endpoints).where(endpoints.c.id == endpoint_id))

    def set_tags(self, endpoint_id: str, tags: Iterable[Tag], now: datetime) -> None:
        self._update(endpoint_id, tags=dump(tuple(tags)), updated_at=now)

    def set_ai_gateway(self, endpoint_id: str, ai_gateway: AiGateway, now: datetime) -> None:
        self._update(endpoint_id, ai_gateway=dump(ai_gateway), updated_at=now)

    def touch(self, endpoint_id: str, now: datetime) -> None:
        self._update(endpoint_id, updated_at=now)

    def activate(self, endpoint_id: str, version: int) -> bool:
        """Make a pending config the active one; False if it is not pending any more."""
        if not self._leave_pending(endpoint_id, version, ConfigStatus.ACTIVE):
            return False
        self._connection.execute(
            update(endpoint_configs)
            .where(
                endpoint_configs.c.endpoint_id == endpoint_id,
                endpoint_configs.c.version != version,
                endpoint_configs.c.status == ConfigStatus.ACTIVE.value,
            )
            .values(status=ConfigStatus.SUPERSEDED.value)
        )
        return True

    def fail(self, endpoint_id: str, version: int, failure: str) -> bool:
        """Give up a pending config; False if it is not pending any more."""
        return self._leave_pending(endpoint_id, version, ConfigStatus.FAILED, failure)

    def set_deployments(self, endpoint_id: str, version: int, deployments: Mapping[str, Deployment]) -> None:
        """Note what was seen of entities, by name; names that are gone do not count."""
        for name, deployment in deployments.items():
            self._connection.execute(
                update(served_entities)
                .where(
                    served_entities.c.endpoint_id == endpoint_id,
                    served_entities.c.config_version == version,
                    served_entities.c.name == name,
                )
                .values(deployment=deployment.state.value, deployment_message=deployment.message)
            )

    def _update(self, endpoint_id: str, **values: Any) -> None:
        self._connection.execute(update(endpoints).where(endpoints.c.id == endpoint_id).values(**values))

    def _leave_pending(self, endpoint_id: str, version: int, status: ConfigStatus, failure: str = "") -> bool:
        changed = self._connection.execute(
            update(endpoint_configs)
            .where(
                endpoint_configs.c.endpoint_id == endpoint_id,
                endpoint_configs.c.version == version,
                endpoint_configs.c.status == ConfigStatus.PENDING.value,
            )
            .values(status=status.value, failure=failure)
        )
        return changed.rowcount == 1

    def _load(self, where: ColumnElement[bool] | None) -> list[Endpoint]:
        return [endpoint_of(rows) for rows in self.rows(where)]

    def rows(self, where: ColumnElement[bool] | None = None) -> list[EndpointRows]:
        """All rows of each endpoint, by its name."""
        query = (
            select(endpoints, *_RAMP_COLUMNS)
            .join(endpoint_ramps, endpoint_ramps.c.endpoint_id == endpoints.c.id, isouter=True)
            .order_by(endpoints.c.name)
        )
        rows = self._connection.execute(query if where is None else query.where(where)).all()
        if not rows:
            return []
        only = None if where is None else [row.id for row in rows]
        configs, observers = self._config_rows(only), self._observer_rows(only)
        return [EndpointRows(row, configs[row.id], observers.get(row.id, [])) for row in rows if row.id in configs]

    def _observer_rows(self, only: list[str] | None) -> dict[str, list[Row[Any]]]:
        query = select(endpoint_observers).order_by(endpoint_observers.c.endpoint_id, endpoint_observers.c.observer_id)
        if only is not None:
            query = query.where(endpoint_observers.c.endpoint_id.in_(only))
        observers: dict[str, list[Row[Any]]] = {}
        for row in self._connection.execute(query):
            observers.setdefault(row.endpoint_id, []).append(row)
        return observers

    def _config_rows(self, only: list[str] | None) -> dict[str, list[Row[Any]]]:
        """One row for each entity of a config; `only` limits the endpoints."""
        newest = (
            select(endpoint_configs.c.endpoint_id, func.max(endpoint_configs.c.version).label("version"))
            .group_by(endpoint_configs.c.endpoint_id)
            .subquery()
        )
        query = (
            select(endpoint_configs, *_ENTITY_COLUMNS)
            .join(newest, newest.c.endpoint_id == endpoint_configs.c.endpoint_id)
            .join(
                served_entities,
                and_(
                    served_entities.c.endpoint_id == endpoint_configs.c.endpoint_id,
                    served_entities.c.config_version == endpoint_configs.c.version,
                ),
            )
            .where(
                or_(
                    endpoint_configs.c.status == ConfigStatus.ACTIVE.value,
                    endpoint_configs.c.version == newest.c.version,
                )
            )
            .order_by(endpoint_configs.c.endpoint_id, endpoint_configs.c.version, served_entities.c.position)
        )
        if only is not None:
            query = query.where(endpoint_configs.c.endpoint_id.in_(only))
        configs: dict[str, list[Row[Any]]] = {}
        for row in self._connection.execute(query):
            configs.setdefault(row.endpoint_id, []).append(row)
        return configs


class EndpointsInMemory:
    """All endpoints, again and again: those whose rows did not change stay the same objects, and so does the list."""

    def __init__(self) -> None:
        self._mark: tuple[Any, ...] | None = None
        self._read_at: datetime | None = None
        self._rows: list[EndpointRows] = []
        self._known: dict[str, tuple[EndpointRows, Endpoint]] = {}
        self._endpoints: list[Endpoint] = []

    def list_all(self, connection: Connection, now: datetime) -> list[Endpoint]:
        """Every endpoint, by name, as it is now.

        All that people do with endpoints leaves a mark; what leaves none is seen two seconds later.
        """
        mark = self._mark_of(connection)
        if mark == self._mark and self._read_at is not None and now - self._read_at < _READ_EVERY:
            return self._endpoints
        rows = EndpointStore(connection).rows()
        if rows != self._rows:
            self._known = {each.endpoint.id: self._read(each) for each in rows}
            self._rows, self._endpoints = rows, [endpoint for _, endpoint in self._known.values()]
        self._mark, self._read_at = mark, now
        return self._endpoints

    def look_again(self) -> None:
        """Something was written that leaves no mark."""
        self._mark = None

    def _mark_of(self, connection: Connection) -> tuple[Any, ...]:
        moments = type_coerce(endpoints.c.updated_at, BigInteger)
        return tuple(connection.execute(select(func.count(), func.sum(moments), func.max(moments))).one())

    def _read(self, rows: EndpointRows) -> tuple[EndpointRows, Endpoint]:
        known = self._known.get(rows.endpoint.id)
        return known if known is not None and known[0] == rows else (rows, endpoint_of(rows))
