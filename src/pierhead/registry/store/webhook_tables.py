"""Tables of webhooks and of what waits to be delivered to them."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

registry_webhooks = Table(
    "registry_webhooks",
    metadata,
    # The order of listings.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    # No foreign key: what happened to a model before it was deleted is still told.
    Column("model_id", String(32), nullable=True, index=True),
    Column("description", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("verifies_tls", Boolean, nullable=False),
    Column("reaches_private", Boolean, nullable=False),
    Column("sealed_secret", Text, nullable=True),
    Column("sealed_authorization", Text, nullable=True),
    Column("status", String(16), nullable=False),
    Column("creator", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Moment, nullable=True),
    Column("next_try", Moment, nullable=True),
    Column("disabled_because", Text, nullable=True),
    Index(None, "status", "next_try"),
)
registry_webhook_events = Table(
    "registry_webhook_events",
    metadata,
    Column("webhook_id", ForeignKey("registry_webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("event", String(64), primary_key=True),
)
registry_webhook_deliveries = Table(
    "registry_webhook_deliveries",
    metadata,
    # The order in which things happened, and in which each webhook hears of them.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("webhook_id", ForeignKey("registry_webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("happened_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("last_try", Moment, nullable=True),
    Column("last_outcome", Text, nullable=True),
    Column("delivered_at", Moment, nullable=True),
    Index(None, "webhook_id", "delivered_at", "position"),
    Index(None, "delivered_at"),
)
