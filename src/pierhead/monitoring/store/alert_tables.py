"""Tables of alerts: rules, states, what happened, where it is told, and what was counted of the traffic."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from pierhead.kit.columns import Moment
from pierhead.kit.db import metadata

_Position = BigInteger().with_variant(Integer, "sqlite")

alert_rules = Table(
    "alert_rules",
    metadata,
    # The order in which they were given.
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    # 'endpoint', 'table' or 'query'; the subject is an endpoint's id, a table's name or a query's id.
    Column("kind", String(16), nullable=False),
    Column("subject", String(255), nullable=False),
    # What people call it.
    Column("subject_name", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    # JSON: the rule.
    Column("spec", Text, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
    Index(None, "kind", "subject", "name", unique=True),
)
alert_states = Table(
    "alert_states",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("rule_id", ForeignKey("alert_rules.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("series", Text, nullable=False),
    # What is in the state, for queries.
    Column("status", String(16), nullable=False),
    Column("is_open", Boolean, nullable=False, index=True),
    # JSON.
    Column("state", Text, nullable=False),
    # Rises with every change: whoever read an older one may not write.
    Column("revision", Integer, nullable=False),
)
# Rows stay when their rule goes: what happened has happened.
alert_events = Table(
    "alert_events",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("fingerprint", String(32), nullable=False, index=True),
    Column("rule_id", String(32), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    # The status that began, or 'acknowledged', 'silenced', and what actions did.
    Column("kind", String(32), nullable=False),
    Column("message", Text, nullable=False),
    # JSON: value, bound, n, window, worst slices.
    Column("numbers", Text, nullable=False),
    Column("by", String(255), nullable=False),
)
alert_destinations = Table(
    "alert_destinations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("url", Text, nullable=False),
    # JSON: a list, and a mapping of sealed texts.
    Column("addresses", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
)
alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    # The order in which each destination hears of things.
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("destination_id", ForeignKey("alert_destinations.id", ondelete="CASCADE"), nullable=False),
    Column("rule_id", String(32), nullable=False),
    # As it goes out; every try sends the same.
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("happened_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("first_try", Moment, nullable=True),
    Column("next_try", Moment, nullable=True),
    Column("last_outcome", Text, nullable=True),
    # Delivered, or given up.
    Column("ended_at", Moment, nullable=True),
    Column("is_delivered", Boolean, nullable=False),
    Index(None, "destination_id", "ended_at", "position"),
    Index(None, "ended_at"),
)
alert_actions = Table(
    "alert_actions",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("rule_id", String(32), nullable=False),
    Column("fingerprint", String(32), nullable=False),
    Column("endpoint_id", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("done_at", Moment, nullable=True, index=True),
    Column("outcome", Text, nullable=True),
)
# Models whose versions may not be promoted while an alert is open.
alert_freezes = Table(
    "alert_freezes",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("model_name", String(255), primary_key=True),
    Column("message", Text, nullable=False),
    Column("since", Moment, nullable=False),
)
# Alerts with SQL of their own, as the official client makes them.
alert_queries = Table(
    "alert_queries",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("owner", String(255), nullable=False),
    # JSON: as on the wire.
    Column("body", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("trashed_at", Moment, nullable=True),
    Column("evaluated_at", Moment, nullable=True),
    Column("next_at", Moment, nullable=True, index=True),
)
# What gateways counted for an endpoint, five minutes a row.
alert_traffic = Table(
    "alert_traffic",
    metadata,
    Column("endpoint_id", String(32), primary_key=True),
    Column("start", Moment, primary_key=True),
    # JSON.
    Column("counts", Text, nullable=False),
)
