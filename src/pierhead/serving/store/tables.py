"""Tables of endpoints, their configs, served entities, events, ramps and observers."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    Text,
)

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

endpoints = Table(
    "endpoints",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("creator", String(255), nullable=False),
    Column("description", Text, nullable=True),
    Column("tags", Text, nullable=False),
    Column("ai_gateway", Text, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
endpoint_configs = Table(
    "endpoint_configs",
    metadata,
    Column("endpoint_id", ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("status", String(16), nullable=False, index=True),
    Column("routes", Text, nullable=False),
    Column("capture", Text, nullable=True),
    Column("creator", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("failure", Text, nullable=False),
)
served_entities = Table(
    "served_entities",
    metadata,
    Column("endpoint_id", String(32), primary_key=True),
    Column("config_version", Integer, primary_key=True, autoincrement=False),
    Column("name", String(63), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("id", String(32), nullable=False),
    Column("model_name", String(255), nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("spec", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("deployment", String(16), nullable=False),
    Column("deployment_message", Text, nullable=False),
    ForeignKeyConstraint(
        ["endpoint_id", "config_version"],
        ["endpoint_configs.endpoint_id", "endpoint_configs.version"],
        ondelete="CASCADE",
    ),
)
endpoint_events = Table(
    "endpoint_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("endpoint_id", ForeignKey("endpoints.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("message", Text, nullable=False),
)
endpoint_ramps = Table(
    "endpoint_ramps",
    metadata,
    Column("endpoint_id", ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
    Column("config_version", Integer, nullable=False),
    Column("points", Integer, nullable=False),
    Column("shadow_rate", Float, nullable=False),
    Column("salt", String(64), nullable=False),
    Column("rollout_id", String(64), nullable=False),
    Column("shadow_timeout_s", Float, nullable=False),
    Column("shadow_concurrency", Integer, nullable=False),
    Column("shadow_queue", Integer, nullable=False),
    Column("is_finished", Boolean, nullable=False),
)
endpoint_observers = Table(
    "endpoint_observers",
    metadata,
    Column("endpoint_id", ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
    Column("observer_id", String(64), primary_key=True),
    Column("rate", Float, nullable=False),
)
