"""Rows of catalogs, schemas, tables and volumes. A rename reaches what lies inside by itself."""

from typing import Any

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, String, Table, Text, UniqueConstraint

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

_NAME = 255


def _traces() -> list[Column[Any]]:
    return [
        Column("created_at", Moment, nullable=False),
        Column("created_by", String(255), nullable=False),
        Column("updated_at", Moment, nullable=False),
        Column("updated_by", String(255), nullable=False),
    ]


def _in_schema() -> list[Column[Any] | ForeignKeyConstraint | UniqueConstraint]:
    return [
        Column("catalog_name", String(_NAME), nullable=False),
        Column("schema_name", String(_NAME), nullable=False),
        Column("name", String(_NAME), nullable=False),
        UniqueConstraint("catalog_name", "schema_name", "name"),
        ForeignKeyConstraint(
            ["catalog_name", "schema_name"], ["schemas.catalog_name", "schemas.name"], onupdate="CASCADE"
        ),
    ]


# `properties` are JSON objects of strings.
catalogs = Table(
    "catalogs",
    metadata,
    Column("name", String(_NAME), primary_key=True),
    Column("comment", Text, nullable=False),
    Column("properties", Text, nullable=False),
    *_traces(),
)
schemas = Table(
    "schemas",
    metadata,
    Column("catalog_name", ForeignKey("catalogs.name", onupdate="CASCADE"), primary_key=True),
    Column("name", String(_NAME), primary_key=True),
    Column("comment", Text, nullable=False),
    Column("properties", Text, nullable=False),
    *_traces(),
)
delta_tables = Table(
    "delta_tables",
    metadata,
    Column("id", String(32), primary_key=True),
    *_in_schema(),
    Column("type", String(16), nullable=False),
    Column("location", Text, nullable=False),
    Column("owner", String(255), nullable=False),
    Column("properties", Text, nullable=False),
    *_traces(),
)
volumes = Table(
    "volumes",
    metadata,
    Column("id", String(32), primary_key=True),
    *_in_schema(),
    Column("type", String(16), nullable=False),
    Column("location", Text, nullable=False),
    Column("owner", String(255), nullable=False),
    Column("comment", Text, nullable=False),
    *_traces(),
)
