"""Table of what was done once and must not be done again."""

from sqlalchemy import Column, Connection, String, Table, insert, select

from pierhead.kit.db import metadata

milestones = Table("milestones", metadata, Column("name", String(64), primary_key=True))


def is_reached(connection: Connection, name: str) -> bool:
    return connection.scalar(select(milestones.c.name).where(milestones.c.name == name)) is not None


def reach(connection: Connection, name: str) -> None:
    connection.execute(insert(milestones).values(name=name))
