"""Configs that an endpoint had."""

from itertools import groupby

from sqlalchemy import Connection, and_, select

from pierhead.serving.domain.endpoints import ConfigStatus, EndpointConfig
from pierhead.serving.store.rows import config_of
from pierhead.serving.store.tables import endpoint_configs, served_entities

_LIVE = (ConfigStatus.ACTIVE.value, ConfigStatus.SUPERSEDED.value)


class ConfigHistory:
    """Rows to domain objects; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_live(self, endpoint_id: str) -> list[EndpointConfig]:
        """Those that are or were active, oldest first; none for an endpoint that is gone."""
        query = (
            select(
                endpoint_configs,
                served_entities.c.id.label("entity_id"),
                served_entities.c.name.label("entity_name"),
                served_entities.c.spec,
                served_entities.c.digest,
                served_entities.c.deployment,
                served_entities.c.deployment_message,
            )
            .join(
                served_entities,
                and_(
                    served_entities.c.endpoint_id == endpoint_configs.c.endpoint_id,
                    served_entities.c.config_version == endpoint_configs.c.version,
                ),
            )
            .where(endpoint_configs.c.endpoint_id == endpoint_id, endpoint_configs.c.status.in_(_LIVE))
            .order_by(endpoint_configs.c.version, served_entities.c.position)
        )
        rows = self._connection.execute(query)
        return [config_of(list(each)) for _, each in groupby(rows, key=lambda row: row.version)]
