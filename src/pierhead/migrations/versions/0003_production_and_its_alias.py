"""Production and its alias become one state: whatever was either is both."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_versions = sa.table("model_versions", sa.column("id"), sa.column("model_id"), sa.column("number"), sa.column("stage"))
_aliases = sa.table("registered_model_aliases", sa.column("model_id"), sa.column("alias"), sa.column("version_id"))


def upgrade() -> None:
    connection = op.get_bind()
    is_production_alias = sa.func.lower(_aliases.c.alias) == "production"
    pointed = set(connection.scalars(sa.select(_aliases.c.version_id).where(is_production_alias)))
    live = connection.execute(
        sa.select(_versions.c.id, _versions.c.model_id, _versions.c.number)
        .where((_versions.c.stage == "Production") | _versions.c.id.in_(pointed))
        # What the alias named stays what it names; else the newest, as MLflow's clients would choose.
        .order_by(_versions.c.number)
    ).all()
    holders = {row.model_id: row.id for row in live} | {row.model_id: row.id for row in live if row.id in pointed}
    connection.execute(sa.delete(_aliases).where(is_production_alias))
    connection.execute(sa.update(_versions).where(_versions.c.id.in_(pointed)).values(stage="Production"))
    for model_id, version_id in holders.items():
        connection.execute(sa.insert(_aliases).values(model_id=model_id, alias="production", version_id=version_id))
