"""Which tables were given a monitor by themselves: once, however it ended."""

from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, insert, select

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

# One that somebody deleted does not come back.
defaults = Table(
    "monitor_defaults",
    metadata,
    Column("table_name", String(255), primary_key=True),
    Column("made_at", Moment, nullable=False),
)


class DefaultStore:
    """Never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_tables(self) -> set[str]:
        return set(self._connection.execute(select(defaults.c.table_name)).scalars())

    def add(self, table: str, at: datetime) -> None:
        self._connection.execute(insert(defaults).values(table_name=table, made_at=at))
