"""Databases as an older Pierhead left them."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from pierhead.kit.schema import MIGRATIONS


def upgrade_to(connection: Connection, revision: str) -> None:
    """Bring an empty or older database to this revision, and no further."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
