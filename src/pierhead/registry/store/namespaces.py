"""Which catalogs and schemas hold registered models."""

from sqlalchemy import Connection, and_, func, select, true

from pierhead.catalog.domain.names import SchemaName
from pierhead.catalog.domain.places import Inhabited
from pierhead.registry.store.tables import registered_models as models


class ModelNamespaces:
    """The catalog's `Inhabitants`."""

    def list(self, connection: Connection, catalog: str | None = None) -> list[Inhabited]:
        place = (models.c.catalog_name, models.c.schema_name)
        numbered = select(
            *place,
            models.c.user_name,
            models.c.created_at,
            func.count().over(partition_by=place).label("models"),
            func.row_number()
            .over(partition_by=place, order_by=(models.c.created_at, models.c.id))
            .label("place_in_line"),
        )
        here = true() if catalog is None else models.c.catalog_name == catalog
        first = numbered.where(and_(models.c.catalog_name.is_not(None), here)).subquery()
        return [
            Inhabited(SchemaName(row.catalog_name, row.schema_name), row.models, row.user_name, row.created_at)
            for row in connection.execute(select(first).where(first.c.place_in_line == 1))
        ]
